//! A test per kind of backplane.

/// Defines each test once per kind of backplane: `local::TEST`, `redis::TEST`, …
macro_rules! on_every_backplane {
    ($($test:ident),+ $(,)?) => {
        mod local { $crate::ground::on_every_backplane!(@Local $($test),+); }
        mod redis { $crate::ground::on_every_backplane!(@Redis $($test),+); }
        mod redis_cluster { $crate::ground::on_every_backplane!(@RedisCluster $($test),+); }
        mod nats { $crate::ground::on_every_backplane!(@Nats $($test),+); }
        mod rabbitmq { $crate::ground::on_every_backplane!(@RabbitMq $($test),+); }
    };
    (@$kind:ident $($test:ident),+) => {
        $(
            #[tokio::test]
            async fn $test() {
                super::$test($crate::ground::TestBackplaneKind::$kind).await;
            }
        )+
    };
}
pub(crate) use on_every_backplane;
