//! Where a source stands, as a manifest keeps it.

use tidewire_dataflow::{self as dataflow, Partitions, TimedPosition, WatermarkStrategy};
use tidewire_snapshot::{PartitionPosition, PartitionPositions, SourcePosition};

/// The position behind `events` events, with what the source says of it itself.
pub(crate) fn position<E, W: WatermarkStrategy<E>>(
    events: u64,
    watermarks: &Partitions<W>,
    place: Option<String>,
) -> SourcePosition {
    let partitions = watermarks.position().map(|TimedPosition { clock, heard, partitions }| {
        let partition = |it: dataflow::PartitionPosition| {
            let dataflow::PartitionPosition { watermark, heard, is_idle } = it;
            PartitionPosition { watermark, heard, is_idle }
        };
        let partitions = partitions.into_iter().map(partition).collect();
        PartitionPositions { clock, heard, partitions }
    });
    SourcePosition { events, watermark: watermarks.watermark(), partitions, place }
}

/// Takes the watermarks to where the position says.
pub(crate) fn restore<E, W: WatermarkStrategy<E>>(
    watermarks: &mut Partitions<W>,
    position: &SourcePosition,
) {
    let partitions = position.partitions.as_ref().map(|it| {
        let partition = |it: &PartitionPosition| {
            let PartitionPosition { watermark, heard, is_idle } = *it;
            dataflow::PartitionPosition { watermark, heard, is_idle }
        };
        let partitions = it.partitions.iter().map(partition).collect();
        TimedPosition { clock: it.clock, heard: it.heard, partitions }
    });
    watermarks.restore(position.watermark, partitions.as_ref());
}
