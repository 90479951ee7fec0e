//! The kinds of backplanes and a test per kind, from the registry of brokers.

/// Defines [`TestBackplaneKind`](super::TestBackplaneKind).
macro_rules! define_kinds {
    ([] $((
        $feature:literal, $module:ident, $kind:ident, $transport:ident, $producer:ident, $consumer:ident,
        [$($test_module:ident: $service:ident),+]
    ))+) => {
        /// A kind of backplane: the embedded broker, or a service of an external one.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[cfg_attr(
            not(all($(feature = $feature),+)),
            allow(dead_code, reason = "tests run on the brokers of this build")
        )]
        pub(crate) enum TestBackplaneKind {
            Local,
            $($($service),+),+
        }

        impl TestBackplaneKind {
            /// Returns the service under the backplane; the embedded broker has none.
            pub(super) fn service(self) -> Option<ServiceKind> {
                match self {
                    Self::Local => None,
                    $($(Self::$service => Some(ServiceKind::$service)),+),+
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
        highwater_server::for_each_broker!($crate::ground::define_test_modules, [$($test),+]);
    };
}
pub(crate) use on_every_backplane;

/// Defines a module of tests per service of an external broker.
macro_rules! define_test_modules {
    ($tests:tt $((
        $feature:literal, $module:ident, $kind:ident, $transport:ident, $producer:ident, $consumer:ident,
        [$($test_module:ident: $service:ident),+]
    ))+) => {
        $($(
            #[cfg(feature = $feature)]
            mod $test_module { $crate::ground::define_tests!($service $tests); }
        )+)+
    };
}
pub(crate) use define_test_modules;

/// Defines each test for one kind.
macro_rules! define_tests {
    ($kind:ident [$($test:ident),+]) => {
        $(
            #[tokio::test]
            async fn $test() {
                super::$test($crate::ground::TestBackplaneKind::$kind).await;
            }
        )+
    };
}
pub(crate) use define_tests;
