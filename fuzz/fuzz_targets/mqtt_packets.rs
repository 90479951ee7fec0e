//! Packets of MQTT that a device receives.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| highwater_scenarios::fuzzing::mqtt_packets(bytes));
