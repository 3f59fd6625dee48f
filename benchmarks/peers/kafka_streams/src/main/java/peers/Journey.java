package peers;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashMap;
import java.util.Map;

/** What is known of one candidate: of each thing the latest word, by the stamp (time, source, id). */
public final class Journey {
    public Map<String, String[]> words = new HashMap<>(); // thing → {stamp, word}

    /** Take one fact in. */
    public void tell(JsonNode fact) {
        JsonNode data = fact.get("data");
        String stamp = fact.get("time").asText() + " " + fact.get("source").asText() + " " + fact.get("id").asText();
        switch (fact.get("type").asText()) {
            case "candidate.signed_up" -> {
                say("signed_up", stamp, "yes");
                for (String name : new String[] {"name", "email", "school", "education"}) {
                    if (data.hasNonNull(name)) {
                        say(name, stamp, data.get(name).asText());
                    }
                }
            }
            case "candidate.checked_in" -> say("attended", stamp, "yes");
            case "candidate.interviewed" -> say("interview/" + data.get("employer").asText(), stamp, "yes");
            case "offer.extended" -> say("offer/" + data.get("offer").asText(), stamp, "extended");
            case "offer.accepted" -> say("offer/" + data.get("offer").asText(), stamp, "accepted");
            case "hire.started" -> say("hire/" + data.get("employer").asText(), stamp, "started");
            case "hire.ended" -> say("hire/" + data.get("employer").asText(), stamp, "ended");
            default -> { }
        }
    }

    private void say(String thing, String stamp, String word) {
        String[] known = words.get(thing);
        if (known == null || known[0].compareTo(stamp) < 0) {
            words.put(thing, new String[] {stamp, word});
        }
    }

    /** Whether it counts for a target. */
    public boolean counts(String target) {
        return switch (target) {
            case "signups" -> words.containsKey("signed_up");
            case "graduates" -> hired();
            case "doctors" -> hired() && words.containsKey("education") && words.get("education")[1].equals("doctor");
            default -> throw new IllegalArgumentException(target);
        };
    }

    private boolean hired() {
        for (Map.Entry<String, String[]> each : words.entrySet()) {
            if (each.getKey().startsWith("hire/") && each.getValue()[1].equals("started")) {
                return true;
            }
        }
        return false;
    }
}
