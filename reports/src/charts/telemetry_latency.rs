//! Time to the acceptance of a reading over time.

use super::{
    chart::Chart,
    chart_context::Scene,
    latency::{self, Timed},
};
use crate::record::names::latency::{READING_RESPONSE, READING_SERVICE};

pub(super) fn chart(scene: &Scene) -> Chart {
    let timed = Timed {
        response: READING_RESPONSE,
        service: READING_SERVICE,
        action: "reading",
    };
    let title = "Reading latency, to its acceptance";
    latency::chart(scene, "reading-latency", title, &timed)
}
