//! The examples, as they stand in `engine/cli/examples`, against computations that go the slow and obvious way.

#[allow(dead_code, reason = "its main is not called")]
#[path = "../../engine/cli/examples/can_alerts.rs"]
mod can_alerts;
#[allow(dead_code, reason = "its main is not called")]
#[path = "../../engine/cli/examples/ema_crossover.rs"]
mod ema_crossover;
#[allow(dead_code, reason = "its main is not called")]
#[path = "../../engine/cli/examples/fraud.rs"]
mod fraud;
#[allow(dead_code, reason = "its main is not called")]
#[path = "../../engine/cli/examples/kospi_reorder.rs"]
mod kospi_reorder;
#[allow(dead_code, reason = "its main is not called")]
#[path = "../../engine/cli/examples/nab_zscore.rs"]
mod nab_zscore;

mod advice;
mod can;
mod fraud_alerts;
mod kospi;
mod nab;
