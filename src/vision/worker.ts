/** The worker thread that all vision runs in: ONNX Runtime and wasm block their thread, and the door must not wait. */
import { parentPort, workerData } from "node:worker_threads";
import { KioskError, messageOf } from "../core/errors.ts";
import { disposePipeline, loadPipeline, look, type Pipeline, type PipelineSettings } from "./pipeline.ts";
import type { Reply, Request } from "./worker-messages.ts";

const port = parentPort;
if (!port) throw new Error("worker.ts runs as a worker thread only");

const reply = (message: Reply): void => {
  port.postMessage(message);
};

function failure(error: unknown): Reply {
  const code = error instanceof KioskError ? error.code : "vision-failed";
  return { kind: "failed", code, message: messageOf(error) };
}

async function serve(pipeline: Pipeline, request: Request): Promise<void> {
  if (request.kind === "close") {
    await disposePipeline(pipeline);
    port?.close();
    return;
  }
  try {
    reply({ kind: "seen", observation: await look(pipeline, request.frame, request.search) });
  } catch (error) {
    reply(failure(error));
  }
}

try {
  const pipeline = await loadPipeline(workerData as PipelineSettings);
  port.on("message", (request: Request) => void serve(pipeline, request));
  reply({ kind: "ready", model: pipeline.classifier.model });
} catch (error) {
  reply(failure(error));
}
