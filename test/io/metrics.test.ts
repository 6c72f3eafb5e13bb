import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { initialState } from "../../src/core/access.ts";
import type { DoorEvent } from "../../src/core/door-report.ts";
import { updateStates } from "../../src/core/update-machine.ts";
import { packaged, type ModelRef } from "../../src/core/update-record.ts";
import { updatesOff } from "../../src/core/update-status.ts";
import { Metrics } from "../../src/io/metrics.ts";
import { camera, faulted, snapshotOf, stateAfter } from "./status-sample.ts";

const times = {
  decodeMs: 1,
  detectMs: 20,
  cropMs: 2,
  classifyMs: 10,
  decideMs: 0.1,
  actuateMs: 0.2,
  frameToDecisionMs: 34,
};

async function values(metrics: Metrics): Promise<ReadonlyMap<string, number>> {
  const lines = (await metrics.text()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => [
      line.slice(0, line.lastIndexOf(" ")),
      Number(line.slice(line.lastIndexOf(" ") + 1)),
    ]),
  );
}

test("the camera's counters are read at each scrape and keep what they had", async () => {
  let now = camera;
  using metrics = new Metrics(() => now);
  const frames = async (): Promise<readonly (number | undefined)[]> => {
    const all = await values(metrics);
    return ["delivered", "decided", "skipped"].map((what) => all.get(`maskgate_frames_${what}_total`));
  };
  assert.deepEqual(await frames(), [120, 100, 20]);
  assert.deepEqual(await frames(), [120, 100, 20]);
  now = { ...camera, framesDelivered: 130, framesSkipped: 30 };
  assert.deepEqual(await frames(), [130, 100, 30]);
});

test("a daemon that has no camera yet has counted no frames", async () => {
  using metrics = new Metrics(() => undefined);
  const all = await values(metrics);
  for (const what of ["delivered", "decided", "skipped"])
    assert.equal(all.get(`maskgate_frames_${what}_total`), 0);
});

test("at the door each state come to and each input raised counts once; what ends, is lost or is the contact's does not", async () => {
  using metrics = new Metrics(() => camera);
  const at = { atMs: 0 };
  const counted: readonly (readonly [DoorEvent, string])[] = [
    ...(["unknown", "locked", "unlocked", "open", "held-open", "forced-open"] as const).map(
      (to) => [{ ...at, kind: "door", from: "locked", to }, to] as const,
    ),
    [{ ...at, kind: "input", input: "requestToExit", reading: "on" }, "request-to-exit"],
    [{ ...at, kind: "input", input: "fireAlarm", reading: "on" }, "fire-alarm"],
    [{ ...at, kind: "input", input: "tamper", reading: "on" }, "tamper"],
    [{ ...at, kind: "fire-release", isOn: true }, "fire-release"],
    [{ ...at, kind: "exit-stuck", isOn: true }, "exit-stuck"],
  ];
  const uncounted: readonly DoorEvent[] = [
    { ...at, kind: "input", input: "contact", reading: "on" },
    { ...at, kind: "input", input: "tamper", reading: "off" },
    { ...at, kind: "input", input: "fireAlarm", reading: "unknown" },
    { ...at, kind: "fire-release", isOn: false },
    { ...at, kind: "exit-stuck", isOn: false },
  ];
  const counts = async (): Promise<readonly (readonly [string, number])[]> =>
    [...(await values(metrics))].filter(([name]) => name.startsWith("maskgate_door_events_total"));
  const name = (event: string): string => `maskgate_door_events_total{event="${event}"}`;
  assert.deepEqual(new Map(await counts()), new Map(counted.map(([, event]) => [name(event), 0])));
  for (const event of uncounted) metrics.doorEvent(event);
  for (const [index, [event]] of counted.entries())
    for (let times = 0; times <= index; times += 1) metrics.doorEvent(event);
  assert.deepEqual(
    new Map(await counts()),
    new Map(counted.map(([, event], index) => [name(event), index + 1])),
  );
});

test("one door state is 1", async () => {
  using metrics = new Metrics(() => camera);
  const now = snapshotOf(initialState);
  for (const kind of ["forced-open", "held-open"] as const)
    metrics.state({ ...now, door: { ...now.door, kind } });
  const states = [...(await values(metrics))].filter(([name]) => name.startsWith("maskgate_door_state{"));
  assert.equal(states.length, 6);
  assert.deepEqual(
    states.filter(([, value]) => value !== 0),
    [['maskgate_door_state{state="held-open"}', 1]],
  );
});

test("stages are histograms in seconds", async () => {
  using metrics = new Metrics(() => camera);
  metrics.frame(times);
  metrics.frame({ ...times, detectMs: 40 });
  const all = await values(metrics);
  const of = (what: string, labels: string): number | undefined =>
    all.get(`maskgate_stage_duration_seconds_${what}{${labels}}`);
  for (const stage of ["decode", "detect", "crop", "classify", "decide", "actuate", "frame_to_decision"]) {
    assert.equal(of("count", `stage="${stage}"`), 2, stage);
  }
  assert.equal(of("sum", 'stage="detect"'), 0.06);
  assert.equal(of("bucket", 'le="0.02",stage="detect"'), 1);
  assert.equal(of("bucket", 'le="0.05",stage="detect"'), 2);
});

test("one access state is 1; door and faces follow; a decision counts when it is come to, not while it stands", async () => {
  using metrics = new Metrics(() => camera);
  const granted = snapshotOf(stateAfter([0.9, 0.9, 0.9]));
  const refused = snapshotOf(stateAfter([0.1, 0.1]));
  const idle = snapshotOf(initialState);
  for (const state of [idle, granted, granted, idle, refused, refused, granted]) metrics.state(state);
  let all = await values(metrics);
  assert.equal(all.get("maskgate_door_unlocked"), 1);
  assert.equal(all.get("maskgate_faces"), 1);
  assert.equal(all.get('maskgate_decisions_total{decision="granted"}'), 2);
  assert.equal(all.get('maskgate_decisions_total{decision="refused"}'), 1);
  assert.equal(all.get('maskgate_decisions_total{decision="reminded"}'), 0);
  metrics.state(snapshotOf(faulted));
  all = await values(metrics);
  const states = [...all].filter(([name]) => name.startsWith("maskgate_access_state{"));
  assert.equal(states.length, 6);
  assert.deepEqual(
    states.filter(([, value]) => value !== 0),
    [['maskgate_access_state{state="faulted"}', 1]],
  );
  assert.equal(all.get("maskgate_door_unlocked"), 0);
});

test("one update state is 1 whatever came before, and the bundle whose model decides has its version", async () => {
  using metrics = new Metrics(() => camera);
  const slot: ModelRef = { place: "slot-b", id: 4, version: 12, bundle: "b12" };
  const names = updateStates.map((state) => `maskgate_update_state{state="${state}"}`);
  for (const [k, state] of updateStates.entries()) {
    const running = [null, packaged, slot][k % 3] ?? null;
    metrics.state(snapshotOf(initialState, { update: { ...updatesOff, state, running } }));
    const all = await values(metrics);
    const shown = [...all].filter(([name]) => name.startsWith("maskgate_update_state"));
    assert.deepEqual(shown.map(([name]) => name).sort(), [...names].sort());
    assert.deepEqual(
      shown.filter(([, value]) => value !== 0),
      [[names[k], 1]],
    );
    assert.equal(all.get("maskgate_model_bundle_version"), running === slot ? 12 : 0);
  }
});

test("faults by code, zero before the first; the provider as a label", async () => {
  using metrics = new Metrics(() => camera);
  metrics.cameraFault("camera-silent");
  metrics.provider({ ...snapshotOf(initialState).model, provider: "cuda" });
  metrics.provider(snapshotOf(initialState).model);
  const all = await values(metrics);
  assert.equal(all.get('maskgate_camera_faults_total{code="camera-silent"}'), 1);
  assert.equal(all.get('maskgate_camera_faults_total{code="camera-ended"}'), 0);
  assert.deepEqual(
    [...all].filter(([name]) => name.startsWith("maskgate_provider_info")),
    [['maskgate_provider_info{provider="cpu",asked_provider="tensorrt",is_first_choice="false"}', 1]],
  );
});

async function delayAfter(blockMs: number): Promise<number> {
  using metrics = new Metrics(() => camera);
  await wait(50);
  const until = performance.now() + blockMs;
  while (performance.now() < until);
  await wait(20);
  return (await values(metrics)).get("maskgate_event_loop_delay_p99_seconds") ?? NaN;
}

test("the event loop's delay is near zero when idle and shows a block", async () => {
  assert.ok((await delayAfter(120)) > 0.08);
  // A busy machine may hold up an idle loop, too, but not every time.
  for (let tries = 0; tries < 10; tries += 1) {
    if ((await delayAfter(0)) < 0.008) return;
  }
  assert.fail("never below 8 ms: the monitor's own pause of 10 ms is not taken off");
});

test("names follow Prometheus' conventions, every metric has a help, and the process is there", async () => {
  using metrics = new Metrics(() => camera);
  const text = await metrics.text();
  for (const [, name, type] of text.matchAll(/^# TYPE (maskgate_\w+) (\w+)$/gm)) {
    assert.match(name ?? "", type === "counter" ? /_total$/ : /(?<!_total|_ms|_millis)$/);
    assert.match(text, new RegExp(`^# HELP ${name ?? ""} \\S`, "m"));
  }
  assert.match(text, /^process_resident_memory_bytes \d/m);
  assert.match(metrics.contentType, /^text\/plain; version=/);
});

test("two registries live beside each other", async () => {
  using one = new Metrics(() => camera);
  using two = new Metrics(() => camera);
  one.cameraFault("camera-ended");
  assert.equal((await values(two)).get('maskgate_camera_faults_total{code="camera-ended"}'), 0);
});
