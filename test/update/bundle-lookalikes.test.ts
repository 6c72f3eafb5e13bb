/** What is written to look like a bundle is refused, with nothing left. */
import { describe, it } from "node:test";
import { limits } from "../../src/update/bundle-manifest.ts";
import type { PartBytes } from "../../src/update/bundle-writer.ts";
import { tarHeader } from "../../src/update/tar-block.ts";
import { forged, good, headerAt, patched } from "./damaged-bundle.ts";
import { assertRefused } from "./refused.ts";
import { bundle, bytesOf, sample } from "./sample-bundle.ts";

describe("what only looks like a bundle is refused", () => {
  const graph = Buffer.from("another graph");
  const { manifest, parts } = sample();
  const entry = (name: string, bytes: Uint8Array): Buffer =>
    Buffer.concat([tarHeader(name, bytes.length), bytes, new Uint8Array((512 - (bytes.length % 512)) % 512)]);

  const forgeries: readonly (readonly [string, Buffer, RegExp])[] = [
    ["an empty file", Buffer.alloc(0), /it ends within the header of bundle\.json; copy/],
    ["zeros", Buffer.alloc(10_240), /there is the end of the tar; this is no bundle/],
    ["a picture", Buffer.from("\xff\xd8\xff\xe0".repeat(400), "latin1"), /there is no header of a tar/],
    ["a compressed tar", Buffer.from("\x1f\x8b\x08".repeat(400), "latin1"), /there is no header of a tar/],
    ["a tar of something else", entry("notes.txt", graph), /there is the name "notes\.txt"; make/],
    [
      "a huge manifest",
      entry("bundle.json", Buffer.alloc(limits.manifestBytes + 1)),
      /a size that no bundle's has/,
    ],
    ["a manifest of 8 GiB", forged("bundle.json", 124, "77777777777\0"), /a size that no bundle's has/],
    [
      "a size in base 256",
      forged("bundle.json", 124, "\x80\0\0\0\0\0\0\0\0\0\x10\0"),
      /a size that no bundle's has/,
    ],
    ["a size below zero", forged("bundle.json", 124, "-0000000100\0"), /a size that no bundle's has/],
    ["a model of 8 GiB", forged("model.onnx", 124, "77777777777\0"), /there is another size/],
    ["a longer part", forged("golden.bin", 124, "00000000007\0"), /there is another size/],
    ["a path", forged("model.onnx", 0, "../../etc/passwd\0"), /there is the name "\.\.\/\.\.\/etc\/passwd"/],
    ["an absolute path", forged("model.onnx", 0, "/etc/passwd\0"), /there is the name "\/etc\/passwd"/],
    ["a path in the prefix", forged("model.onnx", 345, ".."), /there is another name's prefix/],
    ["a symbolic link", forged("model.onnx", 156, "2"), /there is a symbolic link/],
    ["a hard link", forged("model.onnx", 156, "1"), /there is a hard link/],
    ["a link's name", forged("model.onnx", 157, "/etc/passwd"), /there is another link name/],
    ["a device", forged("model.onnx", 156, "3"), /there is a device/],
    ["a folder", forged("model.onnx", 156, "5"), /there is a folder/],
    ["a pipe", forged("model.onnx", 156, "6"), /there is a pipe/],
    ["a sparse file", forged("model.onnx", 156, "S"), /there is a sparse file/],
    ["a pax header", forged("model.onnx", 156, "x"), /there is a pax header/],
    ["a global pax header", forged("bundle.json", 156, "g"), /there is a pax header/],
    ["a GNU long name", forged("model.onnx", 156, "L"), /there is a long name of GNU tar/],
    ["an unheard-of type", forged("model.onnx", 156, "\x1b"), /an entry of the type "\?"/],
    ["an old tar's type", forged("model.onnx", 156, "\0"), /an entry of the type "\?"/],
    ["a set-user-id mode", forged("model.onnx", 100, "0004755\0"), /there is another mode/],
    ["an owner", forged("model.onnx", 108, "0001750\0"), /there is another owner/],
    ["a time", forged("model.onnx", 136, "14700000000\0"), /there is another time/],
    ["GNU's magic", forged("model.onnx", 257, "ustar  \0"), /there is another magic/],
    [
      "a name of control characters",
      forged("model.onnx", 0, "\x1b[2J\r\n\0"),
      /there is the name "\?\[2J\?\?/,
    ],
    [
      "a wrong checksum",
      patched(headerAt("model.onnx") + 150, Buffer.from("7")),
      /there is another checksum/,
    ],
    ["two manifests", Buffer.concat([entry("bundle.json", manifest), good]), /the name "bundle\.json"/],
    ["no parts", good.subarray(0, headerAt("manifest.json")), /it ends within the header of manifest\.json/],
  ];
  for (const [name, bytes, says] of forgeries) {
    it(name, async () => {
      await assertRefused(bytes, "bad-bundle", says);
    });
  }

  const signed: readonly (readonly [string, Parameters<typeof bundle>[0], RegExp])[] = [
    ["an unknown field", { manifest: { autorun: "x" } }, /bundle\.json: all: .*autorun/],
    ["a later format", { manifest: { format: 2 } }, /bundle\.json: format: /],
    ["version 0", { manifest: { version: 0 } }, /bundle\.json: version: /],
    ["a version that is no integer", { manifest: { version: 1.5 } }, /bundle\.json: version: /],
    ["a version beyond the counter", { manifest: { version: 2 ** 31 } }, /bundle\.json: version: /],
    ["a name with an escape code", { manifest: { name: "\x1b[2J" } }, /bundle\.json: name: /],
    ["no board", { manifest: { compatible: [] } }, /bundle\.json: compatible: /],
    [
      "a key retired twice",
      { manifest: { retires: ["0".repeat(16), "0".repeat(16)] } },
      /retires: names a key twice/,
    ],
    ["a threshold of 0", { manifest: { threshold: 0 } }, /bundle\.json: threshold: /],
    [
      "a tolerance of anything",
      { manifest: { golden: { tolerance: 1, masked: [0] } } },
      /golden\.tolerance: /,
    ],
    [
      "fewer pictures than stated",
      { manifest: { golden: { tolerance: 0.01, masked: [0, 0, 0] } } },
      /must have 9 bytes/,
    ],
    ["no graph", { parts: (all) => all.slice(0, 3) }, /bundle\.json: parts: /],
    [
      "parts in another order",
      { parts: (all) => [...all].reverse() },
      /parts: number 0 must be manifest\.json/,
    ],
    [
      "the same part twice",
      { parts: (all) => [...all, { name: "model.onnx", bytes: graph }] },
      /parts: two have one name/,
    ],
    [
      "a part nobody asked for",
      { parts: (all) => [...all, { name: "run.sh", bytes: graph }] },
      /only \.onnx files/,
    ],
    [
      "a part with a path",
      { parts: (all) => [...all, { name: "../x.onnx", bytes: graph }] },
      /a plain file name/,
    ],
    [
      "an empty part",
      { parts: (all) => [...all, { name: "x.onnx", bytes: Buffer.alloc(0) }] },
      /sizeBytes: /,
    ],
    ["a stowaway graph", { parts: (all) => [...all, { name: "x.onnx", bytes: graph }] }, /differ in graphs/],
    [
      "a big manifest.json",
      { model: { more: "x".repeat(limits.textBytes) } },
      /manifest\.json and golden\.json have at most 65536 bytes/,
    ],
    [
      "a graph beyond the limit",
      {
        manifest: {
          parts: parts.map((part) => ({ name: part.name, sizeBytes: 2 ** 29, sha256: "0".repeat(64) })),
        },
      },
      /parts\.0\.sizeBytes: /,
    ],
    ["a manifest.json that is no JSON", { parts: swap("manifest.json", "{") }, /manifest\.json: is not JSON/],
    ["a golden.json that is no golden", { parts: swap("golden.json", "[1]") }, /golden\.json: all: /],
  ];
  for (const [name, change, says] of signed) {
    it(`${name}, although a trusted key has signed it`, async () => {
      await assertRefused(bundle(change), "bad-bundle", says);
    });
  }

  it("JSON that is deep, or no UTF-8, or not an object", async () => {
    const { signer } = sample();
    const texts = [
      "[".repeat(60_000),
      "null",
      "7",
      '"x"',
      '{"format":1}',
      "\xff{}",
      `\ufeff${Buffer.from(manifest).toString()}`,
    ];
    for (const text of texts) {
      const bytes = Buffer.from(text, text.startsWith("\xff") ? "latin1" : "utf8");
      await assertRefused(bytesOf({ manifest: bytes, parts, signer }), "bad-bundle", /bundle\.json: /);
    }
  });
});

function swap(name: string, text: string): (parts: readonly PartBytes[]) => readonly PartBytes[] {
  return (parts) => parts.map((part) => (part.name === name ? { name, bytes: Buffer.from(text) } : part));
}
