import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SourceSplit;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.io.InputStatus;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.connector.source.ScanTableSource;
import org.apache.flink.table.connector.source.SourceProvider;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.binary.BinaryRowData;
import org.apache.flink.table.factories.DynamicTableSourceFactory;
import org.apache.flink.table.factories.FactoryUtil;

/**
 * What a million events cost Flink: Speed JOB [EVENTS]. One line of JSON; CPU seconds are those of the whole process.
 *
 * <p>Event i, from 0: with {@code h = splitmix64(i)}, {@code k = (h >>> 1) % keys}, {@code v = h >>> 57} (0 to 127), and
 * {@code ts} is the milliseconds of {@code i / rate} seconds, rate being the events of a second of event time. Times never
 * go back, and the watermark is the newest time. The first two fifths of the events warm up; the rest is measured, and
 * the end of the job with it. One task, object reuse, the hash map state backend, no mini-batches, no checkpoints.
 */
public final class Speed {
    private record Job(long keys, long rate, long events, String query) {}

    private static final Map<String, Job> JOBS = Map.of(
            "source", new Job(1_000, 1_000_000, 200_000_000, "SELECT k, v, ts FROM events"),
            "filter-project", new Job(1_000, 1_000_000, 200_000_000, "SELECT k, v * 2 + 1 AS v, ts FROM events WHERE v >= 64"),
            "tumbling-1000", new Job(1_000, 1_000_000, 40_000_000, tumbling()),
            "tumbling-1000000", new Job(1_000_000, 1_000_000, 15_000_000, tumbling()),
            "hop-1000", new Job(1_000, 1_000_000, 40_000_000,
                    "SELECT k, window_end, SUM(v) AS total, COUNT(*) AS n FROM "
                            + "TABLE(HOP(TABLE events, DESCRIPTOR(ts), INTERVAL '1' SECOND, INTERVAL '10' SECOND)) "
                            + "GROUP BY k, window_start, window_end"),
            "rolling-1000", new Job(1_000, 1_000, 1_500_000,
                    "SELECT k, ts, SUM(v) OVER (PARTITION BY k ORDER BY ts "
                            + "RANGE BETWEEN INTERVAL '5' MINUTE PRECEDING AND CURRENT ROW) AS total FROM events"));

    private static String tumbling() {
        return "SELECT k, window_end, SUM(v) AS total, COUNT(*) AS n FROM "
                + "TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' SECOND)) GROUP BY k, window_start, window_end";
    }

    /** Where the process stood when the events to warm up had been given: written by the one reader there is. */
    private static volatile long warmCpuNs;
    private static volatile long warmWallNs;

    private static long cpuNs() {
        return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    public static void main(String[] args) throws Exception {
        Job job = args.length == 0 ? null : JOBS.get(args[0]);
        if (job == null) {
            System.err.println("usage: Speed JOB [EVENTS], with JOB one of " + JOBS.keySet().stream().sorted().toList());
            System.exit(2);
        }
        long events = args.length > 1 ? Long.parseLong(args[1]) : job.events;
        Configuration configuration = new Configuration();
        configuration.setString("parallelism.default", "1");
        configuration.setString("pipeline.object-reuse", "true");
        configuration.setString("table.local-time-zone", "UTC");
        configuration.setString("restart-strategy.type", "none");
        TableEnvironment flink = TableEnvironment.create(
                EnvironmentSettings.newInstance().inStreamingMode().withConfiguration(configuration).build());
        flink.executeSql(String.format(
                "CREATE TABLE events (k BIGINT, v BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) "
                        + "WITH ('connector' = 'speed', 'keys' = '%d', 'rate' = '%d', 'events' = '%d')",
                job.keys, job.rate, events));
        flink.executeSql("CREATE TEMPORARY VIEW answer AS " + job.query);
        String columns = String.join(", ", flink.from("answer").getResolvedSchema().getColumns().stream()
                .map(c -> c.getName() + " " + c.getDataType().getLogicalType().asSerializableString()).toList());
        flink.executeSql("CREATE TABLE nowhere (" + columns + ") WITH ('connector' = 'blackhole')");
        flink.executeSql("INSERT INTO nowhere SELECT * FROM answer").await();
        double cpu = (cpuNs() - warmCpuNs) / 1e9;
        double wall = (System.nanoTime() - warmWallNs) / 1e9;
        long measured = events - warmUp(events);
        System.out.printf("{\"job\":\"%s\",\"cpu_seconds_per_million\":%.4f,\"wall_seconds_per_million\":%.4f,\"events\":%d,"
                        + "\"cpu_seconds\":%.2f,\"keys\":%d,\"events_per_second_of_event_time\":%d}%n",
                args[0], cpu * 1e6 / measured, wall * 1e6 / measured, measured, cpu, job.keys, job.rate);
        System.exit(0);
    }

    private static long warmUp(long events) {
        return events * 2 / 5;
    }

    /** The connector 'speed'. Found by its name in META-INF/services. */
    public static final class Factory implements DynamicTableSourceFactory {
        private static final ConfigOption<Long> KEYS = ConfigOptions.key("keys").longType().noDefaultValue();
        private static final ConfigOption<Long> RATE = ConfigOptions.key("rate").longType().noDefaultValue();
        private static final ConfigOption<Long> EVENTS = ConfigOptions.key("events").longType().noDefaultValue();

        @Override
        public DynamicTableSource createDynamicTableSource(Context context) {
            FactoryUtil.TableFactoryHelper helper = FactoryUtil.createTableFactoryHelper(this, context);
            helper.validate();
            var options = helper.getOptions();
            return new Table(new Events(options.get(KEYS), options.get(RATE), options.get(EVENTS)));
        }

        @Override
        public String factoryIdentifier() {
            return "speed";
        }

        @Override
        public Set<ConfigOption<?>> requiredOptions() {
            return Set.of(KEYS, RATE, EVENTS);
        }

        @Override
        public Set<ConfigOption<?>> optionalOptions() {
            return Set.of();
        }
    }

    private record Table(Events events) implements ScanTableSource {
        @Override
        public ChangelogMode getChangelogMode() {
            return ChangelogMode.insertOnly();
        }

        @Override
        public ScanRuntimeProvider getScanRuntimeProvider(ScanContext context) {
            return SourceProvider.of(events);
        }

        @Override
        public DynamicTableSource copy() {
            return this;
        }

        @Override
        public String asSummaryString() {
            return "speed";
        }
    }

    /** The one split: it has no contents. */
    public record Whole() implements SourceSplit {
        @Override
        public String splitId() {
            return "whole";
        }
    }

    /** A source of generated events, with one reader that makes them all. */
    public record Events(long keys, long rate, long events) implements Source<RowData, Whole, Whole> {
        @Override
        public Boundedness getBoundedness() {
            return Boundedness.BOUNDED;
        }

        @Override
        public SourceReader<RowData, Whole> createReader(SourceReaderContext context) {
            return new Reader(this);
        }

        @Override
        public SplitEnumerator<Whole, Whole> createEnumerator(SplitEnumeratorContext<Whole> context) {
            return new NoSplits();
        }

        @Override
        public SplitEnumerator<Whole, Whole> restoreEnumerator(SplitEnumeratorContext<Whole> context, Whole state) {
            return new NoSplits();
        }

        @Override
        public SimpleVersionedSerializer<Whole> getSplitSerializer() {
            return new WholeSerializer();
        }

        @Override
        public SimpleVersionedSerializer<Whole> getEnumeratorCheckpointSerializer() {
            return new WholeSerializer();
        }
    }

    private static final class Reader implements SourceReader<RowData, Whole> {
        private static final int ROWS_PER_POLL = 64;
        private final Events source;
        private final long warm;
        private final BinaryRowData row = new BinaryRowData(3);
        private long next;

        Reader(Events source) {
            this.source = source;
            this.warm = warmUp(source.events);
            byte[] bytes = new byte[row.getFixedLengthPartSize()];
            row.pointTo(org.apache.flink.core.memory.MemorySegmentFactory.wrap(bytes), 0, bytes.length);
        }

        @Override
        public InputStatus pollNext(ReaderOutput<RowData> output) {
            long end = Math.min(next + ROWS_PER_POLL, source.events);
            for (; next < end; next++) {
                if (next == warm) {
                    warmCpuNs = cpuNs();
                    warmWallNs = System.nanoTime();
                }
                long h = splitmix64(next);
                row.setLong(0, (h >>> 1) % source.keys);
                row.setLong(1, h >>> 57);
                row.setLong(2, next * 1000 / source.rate);
                output.collect(row);
            }
            return next < source.events ? InputStatus.MORE_AVAILABLE : InputStatus.END_OF_INPUT;
        }

        private static long splitmix64(long i) {
            long z = (i + 1) * 0x9e3779b97f4a7c15L;
            z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
            z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
            return z ^ (z >>> 31);
        }

        @Override
        public void start() {}

        @Override
        public List<Whole> snapshotState(long checkpoint) {
            return List.of();
        }

        @Override
        public CompletableFuture<Void> isAvailable() {
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public void addSplits(List<Whole> splits) {}

        @Override
        public void notifyNoMoreSplits() {}

        @Override
        public void close() {}
    }

    private static final class NoSplits implements SplitEnumerator<Whole, Whole> {
        @Override
        public void start() {}

        @Override
        public void handleSplitRequest(int subtask, String host) {}

        @Override
        public void addSplitsBack(List<Whole> splits, int subtask) {}

        @Override
        public void addReader(int subtask) {}

        @Override
        public Whole snapshotState(long checkpoint) {
            return new Whole();
        }

        @Override
        public void close() {}
    }

    private static final class WholeSerializer implements SimpleVersionedSerializer<Whole> {
        @Override
        public int getVersion() {
            return 1;
        }

        @Override
        public byte[] serialize(Whole split) {
            return new byte[0];
        }

        @Override
        public Whole deserialize(int version, byte[] bytes) {
            return new Whole();
        }
    }
}
