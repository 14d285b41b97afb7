import { afterEach, beforeEach, expect, test } from "vitest";

const server = process.env.CAPGO_URL ?? "http://127.0.0.1:8787";
const token = process.env.CAPGO_TOKEN ?? "";
let world;

async function mock(method, path, body) {
  const answer = await fetch(path.startsWith("http") ? path : server + path, {
    method,
    headers: { "content-type": "application/json", "x-mock-token": token },
    body: body && JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

const control = (method, path, body) => mock(method, `${server}/w/${world.id}/_mock${path}`, body);

function channels(key) {
  const url = `${server}/w/${world.id}/channel?app_id=com.example.shop`;
  return fetch(url, { headers: { authorization: key } });
}

beforeEach(async () => {
  world = await mock("POST", "/_mock/worlds", { now: "2026-01-31T12:00:00Z", ttl: 600 });
});

afterEach(() => mock("DELETE", `/_mock/worlds/${world.id}`));

test("a reader sees the channels", async () => {
  const answer = await channels(world.keys.reader);
  expect(answer.status).toBe(200);
  expect((await answer.json()).map((channel) => channel.name)).toContain("production");
});

test("an outage ends", async () => {
  await control("POST", "/faults", { operation: "listChannels", status: 503, times: 1 });
  expect((await channels(world.keys.reader)).status).toBe(503);
  expect((await channels(world.keys.reader)).status).toBe(200);
  const verdict = await control("POST", "/verify", { expect: [{ operation: "listChannels", count: 2 }] });
  expect(verdict).toEqual({ verified: true, differences: [] });
});

test("a key expires", async () => {
  const wanted = { role: "app_reader", expires_at: "2026-02-01T00:00:00Z" };
  const { key } = await control("POST", "/keys", wanted);
  expect((await channels(key)).status).toBe(200);
  await control("POST", "/clock", { advance: 24 * 3600 });
  expect((await channels(key)).status).toBe(401);
});
