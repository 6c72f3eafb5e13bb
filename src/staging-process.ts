/** The process that `staging.ts` starts, with its own id: this one loads a model, tests it, says how that went and is killed. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { Worker } from "node:worker_threads";
import { KioskError, messageOf } from "./core/errors.ts";
import type { RunningModel } from "./core/ports.ts";
import type { StagingJob, StagingReply } from "./staging.ts";
import { loadClassifier, type Classifier } from "./vision/classifier.ts";

async function test({ classifier: settings, golden }: StagingJob): Promise<RunningModel> {
  // Loading runs the graph's own self-test; the bundle's pictures come on top.
  const classifier = await loadClassifier(settings);
  if (classifier.model.precision === "float") await testPictures(settings.folder, golden, classifier);
  return classifier.model;
}

async function testPictures(
  folder: string,
  { masked, pictureBytes, tolerance }: StagingJob["golden"],
  classifier: Classifier,
): Promise<void> {
  const bytes = await readFile(path.join(folder, "golden.bin"));
  const given = await classifier.classify(
    masked.map((_, k) => bytes.subarray(k * pictureBytes, (k + 1) * pictureBytes)),
  );
  for (const [k, wanted] of masked.entries()) {
    const got = given[k] ?? Number.NaN;
    if (Math.abs(got - wanted) <= tolerance) continue;
    const text = `gives ${got} for picture ${k} of golden.bin where its trainer got ${wanted}`;
    throw new KioskError("bad-model", `the model ${text}; make the bundle anew for this board`);
  }
}

async function replyTo(job: StagingJob): Promise<StagingReply> {
  try {
    return { kind: "passed", model: await test(job) };
  } catch (error) {
    const code = error instanceof KioskError ? error.code : null;
    return { kind: "failed", code, message: messageOf(error) };
  }
}

/**
 * A thread of its own, since a load may block this one for good: an updater that was killed needs no answer, and whoever comes next
 * needs the processor.
 */
const watch = `setInterval(() => {
  if (String(process.ppid) !== ${JSON.stringify(process.argv[2])}) process.kill(process.pid, "SIGKILL");
}, 500);`;
new Worker(watch, { eval: true, execArgv: [] }).unref();

process.once("message", (job: StagingJob) => {
  void replyTo(job).then((reply) => process.send?.(reply));
});
