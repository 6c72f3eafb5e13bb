/** The installer's page as strangers ask for it: without its token, under another name, from another site, from another machine. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { request, type IncomingHttpHeaders, type IncomingMessage, type OutgoingHttpHeaders } from "node:http";
import { connect, type Socket } from "node:net";
import { after, before, test } from "node:test";
import { KioskError } from "../../src/core/errors.ts";
import { ViewServer } from "../../src/io/view-server.ts";

const page = "<p>page</p>";
const assets = new Map([
  ["", { type: "text/html; charset=utf-8", text: page }],
  ["view.css", { type: "text/css; charset=utf-8", text: "p {}" }],
]);
const secret = "what the camera sees";

let server: ViewServer;
let token = "";
before(async () => {
  server = await ViewServer.open(0, assets);
  server.answerFrames(() => Promise.resolve({ secret }));
  token = new URL(server.url).pathname.split("/")[1] ?? "";
});
after(() => server[Symbol.asyncDispose]());

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

async function ask(
  path: string,
  headers: OutgoingHttpHeaders = {},
  method = "GET",
  port = server.port,
): Promise<Answer> {
  const asked = request({ host: "127.0.0.1", port, path, method, headers, agent: false }).end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  let body = "";
  for await (const piece of response as AsyncIterable<Buffer>) body += piece.toString();
  return { status: response.statusCode ?? 0, headers: response.headers, body };
}

/** Whatever the answer is, it is stored nowhere and no other page may hold or read it. */
function assertClosed({ headers }: Answer): void {
  assert.equal(headers["cache-control"], "no-store");
  assert.match(String(headers["content-security-policy"]), /default-src 'none'.*frame-ancestors 'none'/);
  assert.equal(headers["cross-origin-resource-policy"], "same-origin");
  assert.equal(headers["referrer-policy"], "no-referrer");
  assert.equal(headers["x-content-type-options"], "nosniff");
  assert.equal(headers["access-control-allow-origin"], undefined);
}

test("its address has a token of 24 random bytes, another one at each start", async () => {
  assert.match(server.url, new RegExp(`^http://127\\.0\\.0\\.1:${server.port}/[\\w-]{32}/$`));
  await using other = await ViewServer.open(0, assets);
  assert.notEqual(new URL(other.url).pathname, new URL(server.url).pathname);
  assert.equal((await ask(`/${token}/`, {}, "GET", other.port)).status, 404);
});

test("with the token the page, its parts and frames are answered", async () => {
  for (const [path, type, body] of [
    ["", "text/html; charset=utf-8", page],
    ["?x=1", "text/html; charset=utf-8", page],
    ["view.css", "text/css; charset=utf-8", "p {}"],
    ["frame", "application/json", JSON.stringify({ secret })],
  ] as const) {
    const answer = await ask(`/${token}/${path}`);
    assert.deepEqual([answer.status, answer.headers["content-type"], answer.body], [200, type, body]);
    assertClosed(answer);
  }
});

/** `T` stands for the token. */
const unknownPaths = [
  ...["/", "/frame", "//frame", "/T", "/T/other", "/T/frame/", "/T/frame/x", "/T/../T/frame", "/x/T/frame"],
  ...["/Tx/frame", "/xT/frame", "/?/T/frame", "/T%2fframe", "*"],
];

test("any other path is 404 and tells nothing", async () => {
  const almost = `${token.slice(0, -1)}${token.endsWith("A") ? "B" : "A"}`;
  for (const path of [...unknownPaths.map((text) => text.replaceAll("T", token)), `/${almost}/frame`]) {
    const answer = await ask(path);
    assert.equal(answer.status, 404, path);
    assert.equal(answer.body, "the address is not one that maskgate view printed\n");
    assertClosed(answer);
  }
});

interface Stranger {
  readonly headers: OutgoingHttpHeaders;
  readonly method?: string;
  readonly status: number;
}

const strangers: readonly Stranger[] = [
  ...[
    ...["evil.example", "127.0.0.1.evil.example", "evil.example:8375", "localhost.evil.example", "192.0.2.7"],
    ...["127.0.0.1:", "127.0.0.1:123456", "[::1]", "x@127.0.0.1"],
  ].map((host) => ({ headers: { host }, status: 421 })),
  ...["cross-site", "same-site", "", "sideways"].map((site) => ({
    headers: { "sec-fetch-site": site },
    status: 403,
  })),
  ...["HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"].map((method) => ({
    ...{ headers: {}, method, status: 405 },
  })),
];

test("another name, another site and another method than GET are refused, token or not", async () => {
  for (const { headers, method, status } of strangers) {
    const what = JSON.stringify({ headers, method });
    for (const path of [`/${token}/frame`, `/${token}/`, "/"]) {
      const answer = await ask(path, headers, method);
      assert.equal(answer.status, status, `${what} ${path}`);
      assert.ok(!answer.body.includes(secret) && !answer.body.includes(page), what);
      assertClosed(answer);
    }
  }
});

test("who names no host at all is refused", async () => {
  const socket = connect({ host: "127.0.0.1", port: server.port });
  socket.write(`GET /${token}/frame HTTP/1.0\r\n\r\n`);
  let told = "";
  for await (const piece of socket as AsyncIterable<Buffer>) told += piece.toString();
  assert.match(told, /^HTTP\/1\.1 421 /);
});

test("a browser on this machine or at a tunnel's end is let in", async () => {
  for (const headers of [
    ...["127.0.0.1", "localhost", "LOCALHOST:8375", "127.0.0.1:80"].map((host) => ({ host })),
    ...["same-origin", "none"].map((site) => ({ "sec-fetch-site": site })),
  ]) {
    assert.equal((await ask(`/${token}/frame`, headers)).status, 200, JSON.stringify(headers));
  }
});

test("only 127.0.0.1 is listened at: none of the machine's other addresses leads there", async () => {
  const outcome = (host: string): Promise<string> =>
    new Promise((resolve) => {
      const socket = connect({ host, port: server.port });
      socket.once("connect", () => {
        socket.destroy();
        resolve("connected");
      });
      socket.once("error", ({ code }: NodeJS.ErrnoException) => {
        resolve(code ?? "");
      });
    });
  assert.equal(await outcome("127.0.0.1"), "connected");
  // The whole of 127.0.0.0/8 leads here, so a server that listens at all addresses answers there, too.
  assert.equal(await outcome("127.0.0.2"), "ECONNREFUSED");
  assert.match(await outcome("::1"), /^(?:ECONNREFUSED|EADDRNOTAVAIL|EAFNOSUPPORT)$/);
});

test("before the first frame can be answered the page is told to wait, and a failure is told as one", async () => {
  await using starting = await ViewServer.open(0, assets);
  const frame = async (): Promise<Answer> =>
    ask(`${new URL(starting.url).pathname}frame`, {}, "GET", starting.port);
  const early = await frame();
  assert.deepEqual([early.status, early.body], [503, "it starts\n"]);
  assertClosed(early);
  starting.answerFrames(() => Promise.reject(new KioskError("bad-picture", "no picture")));
  const failed = await frame();
  assert.deepEqual([failed.status, failed.body], [500, "no picture\n"]);
  assertClosed(failed);
});

test("who goes away is no longer answered, and a server that ends cuts who waits", async () => {
  await using slow = await ViewServer.open(0, assets);
  const path = `${new URL(slow.url).pathname}frame`;
  const asked = async (): Promise<{ waiting: ReturnType<typeof request>; signal: AbortSignal }> => {
    const called = new Promise<AbortSignal>((resolve) => {
      slow.answerFrames((signal) => {
        resolve(signal);
        return new Promise(() => undefined);
      });
    });
    const waiting = request({ host: "127.0.0.1", port: slow.port, path, agent: false }).end();
    waiting.on("error", () => undefined);
    return { waiting, signal: await called };
  };
  const first = await asked();
  assert.equal(first.signal.aborted, false);
  first.waiting.destroy();
  await once(first.signal, "abort");
  const second = await asked();
  const cut = new Promise((resolve) => second.waiting.once("close", resolve));
  await slow[Symbol.asyncDispose]();
  await cut;
  assert.equal(second.signal.aborted, true);
});

test("eight connections at once are served, a ninth is cut", async () => {
  await using busy = await ViewServer.open(0, assets);
  const open = async (): Promise<readonly [string, Socket]> => {
    const socket = connect({ host: "127.0.0.1", port: busy.port });
    const heard = Promise.race([
      once(socket, "data").then(() => "served"),
      once(socket, "close").then(() => "cut"),
    ]).catch(() => "cut");
    socket.write("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n");
    return [await heard, socket];
  };
  const opened: (readonly [string, Socket])[] = [];
  for (let n = 0; n < 9; n++) opened.push(await open());
  assert.deepEqual(
    opened.map(([heard]) => heard),
    [...Array<string>(8).fill("served"), "cut"],
  );
  for (const [, socket] of opened) socket.destroy();
});

test("a port that is taken is refused with what to do", async () => {
  await assert.rejects(ViewServer.open(server.port, assets), {
    code: "bad-usage",
    message: `view: port ${server.port} is taken; choose another one with --port`,
  });
});
