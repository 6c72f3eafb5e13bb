// Lets the bench hang a thread of a Node program from outside: `node --import` this file. SIGUSR2 hangs the main thread, SIGWINCH every worker.
import { BroadcastChannel, isMainThread } from "node:worker_threads";

const hang = () => {
  for (;;);
};
const workers = new BroadcastChannel("bench-spin");
workers.unref();
if (isMainThread) {
  process.on("SIGUSR2", hang);
  process.on("SIGWINCH", () => workers.postMessage("spin"));
} else {
  workers.onmessage = hang;
}
