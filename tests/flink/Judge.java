import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.table.api.TableResult;
import org.apache.flink.table.catalog.Column;
import org.apache.flink.table.types.logical.ArrayType;
import org.apache.flink.table.types.logical.DecimalType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import org.apache.flink.table.types.logical.MapType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.types.logical.utils.LogicalTypeChecks;
import org.apache.flink.types.Row;
import org.apache.flink.types.RowKind;
import org.apache.flink.util.CloseableIterator;

/**
 * Runs each query of a folder in Flink and writes down its answer: Judge FOLDER OUT [NAME-FILTER].
 *
 * <p>One query at a time, each in an environment of its own, with one task and a watermark behind each record, so that
 * what is late does not depend on the clock. The text form of the answers is in README.md. A query with {@code -error-} in
 * its name must fail, and no other may.
 */
public final class Judge {
    public static void main(String[] args) throws Exception {
        Path folder = Path.of(args[0]);
        Path out = Path.of(args[1]);
        String filter = args.length > 2 ? args[2] : "";
        String data = folder.resolve("data").toAbsolutePath().toString();
        List<String> tables = statements(Files.readString(folder.resolve("tables.sql")).replace("${DATA}", data));
        List<Path> queries;
        try (Stream<Path> files = Files.list(folder.resolve("queries"))) {
            queries = files.filter(f -> f.toString().endsWith(".sql") && f.getFileName().toString().contains(filter)).sorted().toList();
        }
        Files.createDirectories(out);
        List<String> unexpected = new ArrayList<>();
        for (Path query : queries) {
            String name = query.getFileName().toString().replace(".sql", "");
            String answer;
            try {
                answer = answer(tables, statements(Files.readString(query)));
            } catch (Exception | Error e) {
                answer = "error: " + rootCause(e) + "\n";
            }
            if (answer.startsWith("error: ") != name.contains("-error-")) {
                unexpected.add(name);
            }
            Files.writeString(out.resolve(name + ".csv"), answer);
            String first = answer.lines().findFirst().orElse("");
            System.out.printf("%-32s %5d rows  %s%n", name, answer.lines().count() - 1, first);
        }
        System.out.printf("%d queries; %s%n", queries.size(),
                unexpected.isEmpty() ? "they fail where they should, and nowhere else" : "unexpected: " + unexpected);
        System.exit(queries.isEmpty() || !unexpected.isEmpty() ? 1 : 0);
    }

    private static String answer(List<String> tables, List<String> job) throws Exception {
        Configuration configuration = new Configuration();
        configuration.setString("parallelism.default", "1");
        configuration.setString("pipeline.auto-watermark-interval", "0");
        configuration.setString("table.local-time-zone", "UTC");
        configuration.setString("restart-strategy.type", "none");
        TableEnvironment flink = TableEnvironment.create(
                EnvironmentSettings.newInstance().inStreamingMode().withConfiguration(configuration).build());
        tables.forEach(flink::executeSql);
        for (String statement : job.subList(0, job.size() - 1)) {
            if (statement.regionMatches(true, 0, "SET ", 0, 4)) {
                String[] pair = statement.substring(4).split("=", 2);
                flink.getConfig().set(unquoted(pair[0]), unquoted(pair[1]));
            } else {
                flink.executeSql(statement);
            }
        }
        TableResult result = flink.executeSql(job.get(job.size() - 1));
        List<Column> columns = result.getResolvedSchema().getColumns();
        List<LogicalType> types = columns.stream().map(c -> c.getDataType().getLogicalType()).toList();
        List<String> rows = new ArrayList<>();
        try (CloseableIterator<Row> iterator = result.collect()) {
            while (iterator.hasNext()) {
                Row row = iterator.next();
                if (row.getKind() != RowKind.INSERT) {
                    throw new IllegalStateException("the answer is updated: " + row);
                }
                rows.add(fields(row, types).collect(Collectors.joining(",")));
            }
        }
        rows.sort((a, b) -> Arrays.compareUnsigned(utf8(a), utf8(b)));
        String header = columns.stream()
                .map(c -> c.getName() + " " + typeName(c.getDataType().getLogicalType()))
                .collect(Collectors.joining(","));
        return header + "\n" + rows.stream().map(r -> r + "\n").collect(Collectors.joining());
    }

    /** Splits at semicolons that stand outside of quotes and comments; comments are left out. */
    private static List<String> statements(String text) {
        List<String> statements = new ArrayList<>();
        StringBuilder statement = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '\'' || c == '`' || c == '"') {
                int end = text.indexOf(c, i + 1);
                statement.append(text, i, end + 1);
                i = end;
            } else if (text.startsWith("--", i)) {
                int end = text.indexOf('\n', i);
                i = end < 0 ? text.length() : end;
                statement.append('\n');
            } else if (c == ';') {
                statements.add(statement.toString().strip());
                statement.setLength(0);
            } else {
                statement.append(c);
            }
        }
        statements.add(statement.toString().strip());
        statements.removeIf(String::isEmpty);
        return statements;
    }

    private static String unquoted(String text) {
        String stripped = text.strip();
        return stripped.substring(1, stripped.length() - 1);
    }

    private static String rootCause(Throwable error) {
        Throwable cause = error;
        while (cause.getCause() != null && cause.getCause() != cause) {
            cause = cause.getCause();
        }
        String message = cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
        return message.lines().findFirst().orElse("").strip();
    }

    private static String typeName(LogicalType type) {
        return type.asSerializableString().replace(" NOT NULL", "").replace("VARCHAR(2147483647)", "STRING")
                .replace("VARBINARY(2147483647)", "BYTES").replaceAll("TIMESTAMP\\((\\d)\\) WITH LOCAL TIME ZONE", "TIMESTAMP_LTZ($1)");
    }

    private static Stream<String> fields(Row row, List<LogicalType> types) {
        return Stream.iterate(0, i -> i < row.getArity(), i -> i + 1).map(i -> text(row.getField(i), types.get(i)));
    }

    private static String text(Object value, LogicalType type) {
        if (value == null) {
            return "";
        }
        switch (type.getTypeRoot()) {
            case CHAR:
            case VARCHAR:
                if (value.toString().indexOf('\n') >= 0) {
                    throw new IllegalStateException("a string has more than one line: " + value);
                }
                return '"' + value.toString().replace("\"", "\"\"") + '"';
            case DECIMAL:
                return ((BigDecimal) value).setScale(((DecimalType) type).getScale()).toPlainString();
            case DATE:
                return ((LocalDate) value).toString();
            case TIME_WITHOUT_TIME_ZONE:
                LocalTime time = (LocalTime) value;
                return DateTimeFormatter.ofPattern("HH:mm:ss").format(time) + fraction(time.getNano(), type);
            case TIMESTAMP_WITHOUT_TIME_ZONE:
                return dateTime((LocalDateTime) value, type);
            case TIMESTAMP_WITH_LOCAL_TIME_ZONE:
                return dateTime(LocalDateTime.ofInstant((Instant) value, ZoneOffset.UTC), type) + "Z";
            case BINARY:
            case VARBINARY:
                StringBuilder hex = new StringBuilder();
                for (byte b : (byte[]) value) {
                    hex.append(String.format("%02x", b));
                }
                return "x'" + hex + "'";
            case ARRAY:
                LogicalType element = ((ArrayType) type).getElementType();
                return Arrays.stream((Object[]) value).map(v -> text(v, element)).collect(Collectors.joining(",", "[", "]"));
            case MAP:
                MapType map = (MapType) type;
                return ((Map<?, ?>) value).entrySet().stream()
                        .map(e -> text(e.getKey(), map.getKeyType()) + "=" + text(e.getValue(), map.getValueType()))
                        .sorted().collect(Collectors.joining(",", "{", "}"));
            case ROW:
                return fields((Row) value, ((RowType) type).getChildren()).collect(Collectors.joining(",", "(", ")"));
            default:
                if (type.is(LogicalTypeRoot.INTERVAL_DAY_TIME) || type.is(LogicalTypeRoot.INTERVAL_YEAR_MONTH)) {
                    throw new IllegalStateException("an interval has no text form: cast it");
                }
                return value.toString();
        }
    }

    private static String dateTime(LocalDateTime value, LogicalType type) {
        return DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss").format(value) + fraction(value.getNano(), type);
    }

    private static String fraction(int nanos, LogicalType type) {
        int digits = LogicalTypeChecks.getPrecision(type);
        return digits == 0 ? "" : "." + String.format("%09d", nanos).substring(0, digits);
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
