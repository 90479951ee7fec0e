//! The kinds of brokers and a test per kind, from the registry of brokers.

/// Defines [`TestBackplaneKind`](super::TestBackplaneKind).
macro_rules! define_kinds {
    ([] $((
        $feature:literal, $module:ident, $kind:ident, $transport:tt, $queue:tt,
        [$($test_module:ident: $service:ident),*]
    ))+) => {
        /// A kind of broker to test on: the embedded one, or a service of an external one.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[cfg_attr(
            not(all($(feature = $feature),+)),
            allow(dead_code, reason = "tests run on the brokers of this build")
        )]
        pub(crate) enum TestBackplaneKind {
            Local,
            $($($service,)*)+
        }

        impl TestBackplaneKind {
            /// Returns the service of the broker; the embedded one has none.
            pub(super) fn service(self) -> Option<ServiceKind> {
                match self {
                    Self::Local => None,
                    $($(Self::$service => Some(ServiceKind::$service),)*)+
                }
            }
        }
    };
}
pub(super) use define_kinds;

/// Defines each test once per kind of backplane: `local::TEST`, `redis::TEST`, …
macro_rules! on_every_backplane {
    ($($test:ident),+ $(,)?) => {
        mod local { $crate::ground::define_tests!(Local [$($test),+]); }
        highwater_server::for_each_broker!($crate::ground::define_backplane_modules, [$($test),+]);
    };
}
pub(crate) use on_every_backplane;

/// Defines each test once per kind of telemetry queue: `local::TEST`, `redis::TEST`, …
macro_rules! on_every_queue {
    ($($test:ident),+ $(,)?) => {
        mod local { $crate::ground::define_tests!(Local [$($test),+]); }
        highwater_server::for_each_broker!($crate::ground::define_queue_modules, [$($test),+]);
    };
}
pub(crate) use on_every_queue;

/// Defines each test once per kind of queue whose test server keeps accepted records when it is
/// killed, in `lasting`.
macro_rules! on_every_lasting_queue {
    ($($test:ident),+ $(,)?) => {
        mod lasting {
            $(use super::$test;)+
            mod local { $crate::ground::define_tests!(Local [$($test),+]); }
            highwater_server::for_each_broker!(
                $crate::ground::define_lasting_modules,
                [$($test),+]
            );
        }
    };
}
pub(crate) use on_every_lasting_queue;

/// Defines a module of tests per service of a broker that both joins nodes and carries telemetry.
/// Those that are only a queue have test servers that keep nothing.
macro_rules! define_lasting_modules {
    ($tests:tt $((
        $feature:literal, $module:ident, $kind:ident, [$($transport:ident)?],
        [$($producer:ident $consumer:ident)?], $services:tt
    ))+) => {
        $($crate::ground::define_lasting!(
            [$($transport)? $($producer)?] $feature $tests $services
        );)+
    };
}
pub(crate) use define_lasting_modules;

/// Defines the modules of one broker, if it has both parts.
macro_rules! define_lasting {
    ([$transport:ident $producer:ident] $feature:literal $tests:tt $services:tt) => {
        $crate::ground::define_test_modules!($transport $feature $tests $services);
    };
    ([$($part:ident)?] $feature:literal $tests:tt $services:tt) => {};
}
pub(crate) use define_lasting;

/// Defines a module of tests per service of a broker that joins nodes.
macro_rules! define_backplane_modules {
    ($tests:tt $((
        $feature:literal, $module:ident, $kind:ident, [$($transport:ident)?], $queue:tt, $services:tt
    ))+) => {
        $($(
            $crate::ground::define_test_modules!($transport $feature $tests $services);
        )?)+
    };
}
pub(crate) use define_backplane_modules;

/// Defines a module of tests per service of a broker that carries telemetry.
macro_rules! define_queue_modules {
    ($tests:tt $((
        $feature:literal, $module:ident, $kind:ident, $transport:tt, [$($producer:ident $consumer:ident)?], $services:tt
    ))+) => {
        $($(
            $crate::ground::define_test_modules!($producer $feature $tests $services);
        )?)+
    };
}
pub(crate) use define_queue_modules;

/// Defines a module of tests per service of one broker. The first word only says that the broker
/// has the part that is tested.
macro_rules! define_test_modules {
    ($part:ident $feature:literal $tests:tt [$($test_module:ident: $service:ident),*]) => {
        $(
            #[cfg(feature = $feature)]
            mod $test_module { $crate::ground::define_tests!($service $tests); }
        )*
    };
}
pub(crate) use define_test_modules;

/// Defines each test for one kind.
macro_rules! define_tests {
    ($kind:ident [$($test:ident),+]) => {
        $(
            #[tokio::test]
            async fn $test() {
                let kind = $crate::ground::TestBackplaneKind::$kind;
                if kind.can_start() {
                    super::$test(kind).await;
                }
            }
        )+
    };
}
pub(crate) use define_tests;
