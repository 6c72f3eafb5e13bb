/** Headless Chromium, driven over its debugging pipe: opens one page, evaluates in it, takes pictures of it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { findProgram } from "../../src/io/find-program.ts";
import { temporaryFolder } from "./probe.ts";

/** Why there is no browser here; undefined if there is one. */
export const missingBrowser =
  (await findProgram("chromium")) === undefined ? "chromium is not installed" : undefined;

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

/** What went wrong in the page and on its way: exceptions, refused loads, failed requests. */
export interface Browser extends AsyncDisposable {
  readonly complaints: readonly string[];
  /** Every address that the page asked for. */
  readonly requested: readonly string[];
  size(widthPx: number, heightPx: number): Promise<void>;
  open(url: string): Promise<void>;
  /** The value of an expression in the page; a promise is awaited. */
  evaluate<T>(expression: string): Promise<T>;
  screenshot(): Promise<Buffer>;
}

/** Starts the browser with an empty profile of its own. */
export async function startBrowser(): Promise<Browser> {
  const child = spawn(
    "chromium",
    [
      ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"],
      ...["--disable-background-networking", "--disable-component-update", "--disable-extensions"],
      ...["--remote-debugging-pipe", `--user-data-dir=${temporaryFolder()}`, "about:blank"],
    ],
    { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"], detached: true },
  );
  const ended = once(child, "exit");
  const kill = (): void => {
    try {
      process.kill(-(child.pid ?? 0), "SIGKILL");
    } catch {
      // It has ended already.
    }
  };
  process.once("exit", kill);
  const pipe = new DevtoolsPipe(child.stdio[3] as Writable, child.stdio[4] as Readable);
  await pipe.attach();
  return {
    complaints: pipe.complaints,
    requested: pipe.requested,
    async size(width, height) {
      await pipe.send("Emulation.setDeviceMetricsOverride", {
        ...{ width, height, deviceScaleFactor: 1, mobile: width < 600 },
      });
    },
    async open(url) {
      await pipe.send("Page.navigate", { url });
    },
    async evaluate<T>(expression: string): Promise<T> {
      const answer = (await pipe.send("Runtime.evaluate", {
        ...{ expression, awaitPromise: true, returnByValue: true },
      })) as { readonly result: { readonly value: T }; readonly exceptionDetails?: unknown };
      if (answer.exceptionDetails !== undefined) throw new Error(JSON.stringify(answer.exceptionDetails));
      return answer.result.value;
    },
    async screenshot() {
      const answer = await pipe.send("Page.captureScreenshot", { captureBeyondViewport: true });
      return Buffer.from((answer as { readonly data: string }).data, "base64");
    },
    async [Symbol.asyncDispose]() {
      kill();
      await ended;
      process.off("exit", kill);
    },
  };
}

/** Messages of the DevTools protocol, each ended by a zero byte. */
class DevtoolsPipe {
  readonly complaints: string[] = [];
  readonly requested: string[] = [];
  readonly #to: Writable;
  readonly #waiting = new Map<number, (message: Message) => void>();
  #session: string | undefined;
  #lastId = 0;

  constructor(to: Writable, from: Readable) {
    this.#to = to;
    let open = "";
    from.setEncoding("utf8").on("data", (piece: string) => {
      const parts = (open + piece).split("\0");
      open = parts.pop() ?? "";
      for (const part of parts) this.#hear(JSON.parse(part) as Message);
    });
  }

  async attach(): Promise<void> {
    const { targetInfos } = (await this.send("Target.getTargets")) as {
      readonly targetInfos: readonly { readonly targetId: string; readonly type: string }[];
    };
    const targetId = targetInfos.find(({ type }) => type === "page")?.targetId;
    const attached = await this.send("Target.attachToTarget", { targetId, flatten: true });
    this.#session = (attached as { readonly sessionId: string }).sessionId;
    for (const domain of ["Page", "Runtime", "Log", "Network"]) await this.send(`${domain}.enable`);
  }

  async send(method: string, params: object = {}): Promise<unknown> {
    const id = ++this.#lastId;
    const answer = new Promise<Message>((resolve) => this.#waiting.set(id, resolve));
    this.#to.write(`${JSON.stringify({ id, method, params, sessionId: this.#session })}\0`);
    const { result, error } = await answer;
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  #hear(message: Message): void {
    if (message.id !== undefined) this.#waiting.get(message.id)?.(message);
    const told = JSON.stringify(message.params);
    if (message.method === "Runtime.exceptionThrown" || message.method === "Log.entryAdded") {
      this.complaints.push(told);
    }
    if (message.method === "Network.requestWillBeSent") {
      this.requested.push((message.params as { readonly request: { readonly url: string } }).request.url);
    }
  }
}
