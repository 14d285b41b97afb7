package capgo

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"testing"
)

type world struct {
	t    *testing.T
	url  string
	Id   string
	Keys map[string]string
}

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

var server = setting("CAPGO_URL", "http://127.0.0.1:8787")

func call(t *testing.T, method, url, body string, into any) {
	t.Helper()
	request, err := http.NewRequest(method, url, bytes.NewBufferString(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("x-mock-token", os.Getenv("CAPGO_TOKEN"))
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	if answer.StatusCode >= 300 {
		t.Fatalf("%s %s: %s", method, url, text)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

func freshWorld(t *testing.T) *world {
	w := &world{t: t}
	call(t, "POST", server+"/_mock/worlds", `{"now": "2026-01-31T12:00:00Z", "ttl": 600}`, w)
	w.url = server + "/w/" + w.Id
	t.Cleanup(func() { call(t, "DELETE", server+"/_mock/worlds/"+w.Id, "", &struct{}{}) })
	return w
}

func (w *world) control(path, body string, into any) {
	w.t.Helper()
	call(w.t, "POST", w.url+"/_mock"+path, body, into)
}

func (w *world) channels(key string) int {
	w.t.Helper()
	request, _ := http.NewRequest("GET", w.url+"/channel?app_id=com.example.shop", nil)
	request.Header.Set("authorization", key)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	answer.Body.Close()
	return answer.StatusCode
}

func expect(t *testing.T, expected, got int) {
	t.Helper()
	if got != expected {
		t.Errorf("expected %d, got %d", expected, got)
	}
}

func TestReaderSeesTheChannels(t *testing.T) {
	t.Parallel()
	w := freshWorld(t)
	expect(t, 200, w.channels(w.Keys["reader"]))
}

func TestOutageEnds(t *testing.T) {
	t.Parallel()
	w := freshWorld(t)
	w.control("/faults", `{"operation": "listChannels", "status": 503, "times": 1}`, &struct{}{})
	expect(t, 503, w.channels(w.Keys["reader"]))
	expect(t, 200, w.channels(w.Keys["reader"]))
	var verdict struct{ Differences []string }
	w.control("/verify", `{"expect": [{"operation": "listChannels", "count": 2}]}`, &verdict)
	if len(verdict.Differences) > 0 {
		t.Error(verdict.Differences)
	}
}

func TestKeyExpires(t *testing.T) {
	t.Parallel()
	w := freshWorld(t)
	var made struct{ Key string }
	w.control("/keys", `{"role": "app_reader", "expires_at": "2026-02-01T00:00:00Z"}`, &made)
	expect(t, 200, w.channels(made.Key))
	w.control("/clock", `{"advance": 86400}`, &struct{}{})
	expect(t, 401, w.channels(made.Key))
}
