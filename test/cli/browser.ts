/** Headless Chromium, driven over its debugging pipe: opens one page and evaluates in it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { findProgram } from "../../src/io/find-program.ts";
import { temporaryFolder } from "./probe.ts";

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

export interface Browser extends AsyncDisposable {
  /** What went wrong in the page and on its way: exceptions, errors on the console, refused loads, failed requests. */
  readonly complaints: readonly string[];
  /** Every address that the page asked for. */
  readonly requested: readonly string[];
  size(widthPx: number, heightPx: number): Promise<void>;
  open(url: string): Promise<void>;
  /** The value of an expression in the page; a promise is awaited. */
  evaluate<T>(expression: string): Promise<T>;
}

/** Comes back when the document's elements are there. */
const parsed = `new Promise((resolve) => {
  const look = () => (document.readyState === "loading" ? setTimeout(look, 5) : resolve());
  look();
})`;

/** Starts the browser with an empty profile of its own. A test that needs it fails without it: left out, it would hold nothing. */
export async function startBrowser(): Promise<Browser> {
  if ((await findProgram("chromium")) === undefined) {
    throw new Error("chromium is not installed: apt-get install chromium, or run scripts/test, which does");
  }
  const profile = temporaryFolder();
  const child = spawn(
    "chromium",
    [
      ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"],
      ...["--disable-background-networking", "--disable-component-update", "--disable-extensions"],
      ...["--remote-debugging-pipe", `--user-data-dir=${profile}`, "about:blank"],
    ],
    {
      stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
      detached: true,
      env: { ...process.env, HOME: profile },
    },
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
  const evaluate = async <T>(expression: string): Promise<T> => {
    const answer = (await pipe.send("Runtime.evaluate", {
      ...{ expression, awaitPromise: true, returnByValue: true },
    })) as { readonly result: { readonly value: T }; readonly exceptionDetails?: unknown };
    if (answer.exceptionDetails !== undefined) throw new Error(JSON.stringify(answer.exceptionDetails));
    return answer.result.value;
  };
  return {
    evaluate,
    complaints: pipe.complaints,
    requested: pipe.requested,
    async size(width, height) {
      await pipe.send("Emulation.setDeviceMetricsOverride", {
        ...{ width, height, deviceScaleFactor: 1, mobile: width < 600 },
      });
    },
    async open(url) {
      await pipe.send("Page.navigate", { url });
      await evaluate(parsed);
    },
    async [Symbol.asyncDispose]() {
      kill();
      await ended;
      process.off("exit", kill);
    },
  };
}

/** The page itself writes nothing on the console. */
const complaints: ReadonlySet<string> = new Set([
  ...["Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"],
]);

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
    from.once("close", () => {
      for (const answer of this.#waiting.values()) answer({ error: { message: "chromium has ended" } });
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
    this.#waiting.delete(id);
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  #hear(message: Message): void {
    if (message.id !== undefined) this.#waiting.get(message.id)?.(message);
    if (complaints.has(message.method ?? "")) this.complaints.push(JSON.stringify(message.params));
    if (message.method === "Network.requestWillBeSent") {
      this.requested.push((message.params as { readonly request: { readonly url: string } }).request.url);
    }
  }
}
