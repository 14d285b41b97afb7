package example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class CapgoTest {
    private static final String SERVER = setting("CAPGO_URL", "http://127.0.0.1:8787");
    private static final String TOKEN = setting("CAPGO_TOKEN", "");
    private final HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private String world;
    private String reader;

    @BeforeEach
    void freshWorld() throws Exception {
        String made = mock("POST", "/_mock/worlds", "{\"now\": \"2026-01-31T12:00:00Z\", \"ttl\": 600}");
        world = "/w/" + member(made, "id");
        reader = member(made, "reader");
    }

    @AfterEach
    void deleteWorld() throws Exception {
        mock("DELETE", "/_mock/worlds/" + world.substring("/w/".length()), "");
    }

    @Test
    void readerSeesTheChannels() throws Exception {
        HttpResponse<String> answer = channels(reader);
        assertEquals(200, answer.statusCode());
        assertTrue(answer.body().contains("\"name\":\"production\""));
    }

    @Test
    void outageEnds() throws Exception {
        mock("POST", world + "/_mock/faults", "{\"operation\": \"listChannels\", \"status\": 503, \"times\": 1}");
        assertEquals(503, channels(reader).statusCode());
        assertEquals(200, channels(reader).statusCode());
        String expected = "{\"expect\": [{\"operation\": \"listChannels\", \"count\": 2}]}";
        assertTrue(mock("POST", world + "/_mock/verify", expected).contains("\"verified\":true"));
    }

    @Test
    void keyExpires() throws Exception {
        String wanted = "{\"role\": \"app_reader\", \"expires_at\": \"2026-02-01T00:00:00Z\"}";
        String key = member(mock("POST", world + "/_mock/keys", wanted), "key");
        assertEquals(200, channels(key).statusCode());
        mock("POST", world + "/_mock/clock", "{\"advance\": 86400}");
        assertEquals(401, channels(key).statusCode());
    }

    private HttpResponse<String> channels(String key) throws Exception {
        URI uri = URI.create(SERVER + world + "/channel?app_id=com.example.shop");
        return http.send(HttpRequest.newBuilder(uri).header("authorization", key).build(), BodyHandlers.ofString());
    }

    private String mock(String method, String path, String body) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create(SERVER + path))
                .header("x-mock-token", TOKEN)
                .method(method, BodyPublishers.ofString(body))
                .build();
        HttpResponse<String> answer = http.send(request, BodyHandlers.ofString());
        assertTrue(answer.statusCode() < 300, answer.body());
        return answer.body();
    }

    private static String member(String json, String name) {
        return Pattern.compile("\"" + name + "\":\"([^\"]*)\"").matcher(json).results().findFirst().orElseThrow().group(1);
    }

    private static String setting(String name, String otherwise) {
        return System.getenv().getOrDefault(name, otherwise);
    }
}
