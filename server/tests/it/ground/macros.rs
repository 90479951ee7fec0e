//! A test for each kind of backplane.

/// Each test once for every backplane: `local::TEST`, `redis::TEST`, … A new
/// backplane is a variant of [`Kind`](super::Kind) and a line here.
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
