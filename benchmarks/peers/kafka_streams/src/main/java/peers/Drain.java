package peers;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.InvalidStateStoreException;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.QueryableStoreTypes;
import org.apache.kafka.streams.state.ReadOnlyKeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/** Dedupe, journeys and three targets in RocksDB with changelogs; PEER_GUARANTEE says how often a fact may count. */
public final class Drain {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String[] TARGETS = {"signups", "graduates", "doctors"};
    private static final AtomicLong FACTS = new AtomicLong();
    private static volatile double began;

    /** Each fact once, folded into the journey of its candidate; what changes of a target goes on. */
    static final class Fold implements Processor<String, byte[], String, Long> {
        private ProcessorContext<String, Long> context;
        private KeyValueStore<String, byte[]> seen;
        private KeyValueStore<String, byte[]> journeys;

        @Override
        public void init(ProcessorContext<String, Long> context) {
            this.context = context;
            seen = context.getStateStore("seen");
            journeys = context.getStateStore("journeys");
        }

        @Override
        public void process(Record<String, byte[]> record) {
            if (began == 0) {
                began = now();
            }
            try {
                JsonNode fact = JSON.readTree(record.value());
                if (!fact.get("data").has("candidate")) {
                    return;
                }
                String identity = fact.get("source").asText() + " " + fact.get("id").asText();
                if (seen.putIfAbsent(identity, new byte[0]) == null) {
                    FACTS.incrementAndGet();
                    fold(record, fact);
                }
            } catch (java.io.IOException error) {
                throw new IllegalStateException(error);
            }
        }

        private void fold(Record<String, byte[]> record, JsonNode fact) throws java.io.IOException {
            byte[] known = journeys.get(record.key());
            Journey journey = known == null ? new Journey() : JSON.readValue(known, Journey.class);
            boolean[] before = new boolean[TARGETS.length];
            for (int each = 0; each < TARGETS.length; each++) {
                before[each] = journey.counts(TARGETS[each]);
            }
            journey.tell(fact);
            journeys.put(record.key(), JSON.writeValueAsBytes(journey));
            for (int each = 0; each < TARGETS.length; each++) {
                boolean after = journey.counts(TARGETS[each]);
                if (after != before[each]) {
                    context.forward(record.withKey(TARGETS[each]).withValue(after ? 1L : -1L));
                }
            }
        }
    }

    private static double now() {
        return System.currentTimeMillis() / 1000.0;
    }

    private static StoreBuilder<KeyValueStore<String, byte[]>> store(String name) {
        Serde<byte[]> bytes = Serdes.ByteArray();
        return Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(name), Serdes.String(), bytes);
    }

    private static KafkaStreams streams() {
        StreamsBuilder builder = new StreamsBuilder();
        builder.addStateStore(store("seen"));
        builder.addStateStore(store("journeys"));
        builder.stream(System.getenv("PEER_TOPIC"), Consumed.with(Serdes.String(), Serdes.ByteArray()))
                .process(Fold::new, "seen", "journeys")
                .groupByKey(Grouped.with("deltas", Serdes.String(), Serdes.Long()))
                .reduce(Long::sum, Materialized.as("targets"));
        Properties config = new Properties();
        config.put(StreamsConfig.APPLICATION_ID_CONFIG, System.getenv("PEER_GROUP"));
        config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, System.getenv("PEER_KAFKA"));
        config.put(StreamsConfig.STATE_DIR_CONFIG, System.getenv("PEER_FOLDER"));
        config.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, System.getenv("PEER_GUARANTEE"));
        config.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 2);
        config.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        config.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
        config.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.LongSerde.class);
        config.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        return new KafkaStreams(builder.build(), config);
    }

    /** The numbers as an interactive query sees them. */
    private static Map<String, Long> numbers(KafkaStreams streams) {
        Map<String, Long> found = new HashMap<>();
        try {
            ReadOnlyKeyValueStore<String, Long> targets =
                    streams.store(StoreQueryParameters.fromNameAndType("targets", QueryableStoreTypes.keyValueStore()));
            for (String name : TARGETS) {
                Long number = targets.get(name);
                found.put(name, number == null ? 0L : number);
            }
        } catch (InvalidStateStoreException notYet) {
            return found;
        }
        return found;
    }

    /** How many different facts the store of the dedupe holds: what was taken twice after an abort counts once. */
    private static long facts(KafkaStreams streams) {
        long found = 0;
        ReadOnlyKeyValueStore<String, byte[]> seen =
                streams.store(StoreQueryParameters.fromNameAndType("seen", QueryableStoreTypes.keyValueStore()));
        try (KeyValueIterator<String, byte[]> all = seen.all()) {
            for (; all.hasNext(); all.next()) {
                found++;
            }
        }
        return found;
    }

    private static void write(Path path, Map<String, Object> result) throws java.io.IOException {
        Path fresh = path.resolveSibling(path.getFileName() + ".new");
        Files.write(fresh, JSON.writeValueAsBytes(result));
        Files.move(fresh, path, StandardCopyOption.ATOMIC_MOVE);
    }

    public static void main(String[] arguments) throws Exception {
        JsonNode expected = JSON.readTree(System.getenv("PEER_EXPECTED"));
        Path folder = Path.of(System.getenv("PEER_FOLDER"));
        KafkaStreams streams = streams();
        Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
        streams.start();
        Map<String, Object> result = new HashMap<>();
        Map<String, Long> numbers = Map.of();
        double changed = now();
        double limit = now() + Double.parseDouble(System.getenv("PEER_SECONDS"));
        while (now() < limit) {
            Thread.sleep(20);
            if (FACTS.get() < expected.get("facts").asLong()) {
                continue;
            }
            numbers = numbers(streams);
            changed = now();
            if (agree(expected, numbers)) {
                break;
            }
        }
        result.put("began", began);
        result.put("ended", changed);
        result.put("facts", facts(streams));
        result.put("numbers", numbers);
        write(folder.resolve("result.json"), result);
        Thread.sleep(600_000); // until told to end
    }

    private static boolean agree(JsonNode expected, Map<String, Long> numbers) {
        for (String name : TARGETS) {
            if (numbers.getOrDefault(name, -1L) != expected.get("numbers").get(name).asLong()) {
                return false;
            }
        }
        return true;
    }
}
