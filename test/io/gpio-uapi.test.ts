/** Our bytes are those of linux/gpio.h: compared with the compiler's own numbers where gcc and the header are installed. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import {
  decodeChipInfo,
  decodeLineInfo,
  decodeLineValue,
  encodeInputRequest,
  encodeLineInfoQuery,
  encodeLineValue,
  encodeOutputRequest,
  encodeValueQuery,
  ioctlNumbers,
  layout,
  lineFlags,
} from "../../src/io/gpio-uapi.ts";

const ours: Record<string, number> = {
  GPIO_GET_CHIPINFO_IOCTL: ioctlNumbers.getChipInfo,
  GPIO_V2_GET_LINEINFO_IOCTL: ioctlNumbers.getLineInfo,
  GPIO_V2_GET_LINE_IOCTL: ioctlNumbers.getLine,
  GPIO_V2_LINE_GET_VALUES_IOCTL: ioctlNumbers.getLineValues,
  GPIO_V2_LINE_SET_VALUES_IOCTL: ioctlNumbers.setLineValues,
  GPIO_V2_LINE_FLAG_USED: Number(lineFlags.used),
  GPIO_V2_LINE_FLAG_ACTIVE_LOW: Number(lineFlags.activeLow),
  GPIO_V2_LINE_FLAG_INPUT: Number(lineFlags.input),
  GPIO_V2_LINE_FLAG_OUTPUT: Number(lineFlags.output),
  GPIO_V2_LINE_FLAG_BIAS_PULL_UP: Number(lineFlags.biasPullUp),
  GPIO_V2_LINE_FLAG_BIAS_PULL_DOWN: Number(lineFlags.biasPullDown),
  GPIO_V2_LINE_FLAG_BIAS_DISABLED: Number(lineFlags.biasDisabled),
  GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES: 2,
  GPIO_MAX_NAME_SIZE: layout.nameBytes,
  "sizeof(struct gpiochip_info)": layout.chipInfo.sizeBytes,
  "offsetof(struct gpiochip_info, label)": layout.chipInfo.label,
  "offsetof(struct gpiochip_info, lines)": layout.chipInfo.lines,
  "sizeof(struct gpio_v2_line_info)": layout.lineInfo.sizeBytes,
  "offsetof(struct gpio_v2_line_info, consumer)": layout.lineInfo.consumer,
  "offsetof(struct gpio_v2_line_info, offset)": layout.lineInfo.offset,
  "offsetof(struct gpio_v2_line_info, flags)": layout.lineInfo.flags,
  "sizeof(struct gpio_v2_line_request)": layout.lineRequest.sizeBytes,
  "offsetof(struct gpio_v2_line_request, offsets)": layout.lineRequest.offsets,
  "offsetof(struct gpio_v2_line_request, consumer)": layout.lineRequest.consumer,
  "offsetof(struct gpio_v2_line_request, config.flags)": layout.lineRequest.flags,
  "offsetof(struct gpio_v2_line_request, config.num_attrs)": layout.lineRequest.numAttrs,
  "offsetof(struct gpio_v2_line_request, config.attrs[0].attr.id)": layout.lineRequest.attrId,
  "offsetof(struct gpio_v2_line_request, config.attrs[0].attr.values)": layout.lineRequest.attrValues,
  "offsetof(struct gpio_v2_line_request, config.attrs[0].mask)": layout.lineRequest.attrMask,
  "offsetof(struct gpio_v2_line_request, num_lines)": layout.lineRequest.numLines,
  "offsetof(struct gpio_v2_line_request, fd)": layout.lineRequest.fd,
  "sizeof(struct gpio_v2_line_values)": layout.lineValues.sizeBytes,
  "offsetof(struct gpio_v2_line_values, bits)": layout.lineValues.bits,
  "offsetof(struct gpio_v2_line_values, mask)": layout.lineValues.mask,
};

const header = "/usr/include/linux/gpio.h";
const hasCompiler = existsSync("/usr/bin/gcc") && existsSync(header);

test(
  "numbers, sizes and offsets are the header's",
  { skip: hasCompiler ? false : `no gcc or no ${header}` },
  () => {
    const dir = mkdtempSync(path.join(tmpdir(), "maskgate-uapi-"));
    try {
      const source = Object.keys(ours).map(
        (expression) => `printf("%llu\\n", (unsigned long long)(${expression}));`,
      );
      const includes =
        "#include <stdio.h>\n#include <stddef.h>\n#include <linux/gpio.h>\n#include <sys/ioctl.h>\n";
      writeFileSync(
        path.join(dir, "a.c"),
        `${includes}int main(void) {\n${source.join("\n")}\nreturn 0; }\n`,
      );
      execFileSync("/usr/bin/gcc", ["-o", path.join(dir, "a"), path.join(dir, "a.c")]);
      const theirs = execFileSync(path.join(dir, "a"), { encoding: "utf8" }).trim().split("\n").map(Number);
      assert.deepEqual(
        ours,
        Object.fromEntries(Object.keys(ours).map((expression, i) => [expression, theirs[i]])),
      );
    } finally {
      rmSync(dir, { recursive: true });
    }
  },
);

test("each ioctl number carries its argument's size", () => {
  const sizes = [
    ioctlNumbers.getChipInfo,
    ioctlNumbers.getLineInfo,
    ioctlNumbers.getLine,
    ioctlNumbers.getLineValues,
    ioctlNumbers.setLineValues,
  ].map((number) => (number >>> 16) & 0x3fff);
  assert.deepEqual(sizes, [
    layout.chipInfo.sizeBytes,
    encodeLineInfoQuery(0).length,
    encodeOutputRequest({ offset: 0, isActiveLow: false, consumer: "" }, false).length,
    encodeValueQuery().length,
    encodeLineValue(true).length,
  ]);
});

test("an output request, byte by byte", () => {
  const bytes = encodeOutputRequest({ offset: 0x01020304, isActiveLow: true, consumer: "dör" }, true);
  const filled = [...bytes.entries()].filter(([, byte]) => byte !== 0);
  assert.deepEqual(filled, [
    [0, 4],
    [1, 3],
    [2, 2],
    [3, 1],
    [256, 0x64],
    [257, 0xc3],
    [258, 0xb6],
    [259, 0x72],
    [288, 0b1010],
    [296, 1],
    [320, 2],
    [328, 1],
    [336, 1],
    [560, 1],
  ]);
});

test("an input request, byte by byte, with each bias and without any level", () => {
  for (const [bias, high] of [
    ["pull-up", 1],
    ["pull-down", 2],
    ["none", 4],
  ] as const) {
    const bytes = encodeInputRequest({ offset: 5, isActiveLow: true, consumer: "a" }, bias);
    const filled = [...bytes.entries()].filter(([, byte]) => byte !== 0);
    assert.deepEqual(filled, [
      [0, 5],
      [256, 0x61],
      [288, 0b110],
      [289, high],
      [560, 1],
    ]);
  }
});

test("a level is asked for and answered in the line's own bit", () => {
  const bytes = encodeValueQuery();
  assert.deepEqual([...bytes], [0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
  assert.equal(decodeLineValue(bytes), false);
  bytes[0] = 0b10;
  assert.equal(decodeLineValue(bytes), false);
  bytes[0] = 0b11;
  assert.equal(decodeLineValue(bytes), true);
});

test("a long consumer is cut before the zero that ends it", () => {
  const bytes = encodeOutputRequest({ offset: 0, isActiveLow: false, consumer: "x".repeat(40) }, false);
  assert.equal(Buffer.from(bytes.subarray(256, 288)).toString(), `${"x".repeat(31)}\0`);
});

test("names end at the first zero or at 32 bytes", () => {
  const chip = new Uint8Array(layout.chipInfo.sizeBytes);
  chip.set(Buffer.from("gpiochip0\0garbage"), 0);
  chip.fill(0x78, 32, 64);
  chip.set([0x2c, 0x01], 64);
  assert.deepEqual(decodeChipInfo(chip), { name: "gpiochip0", label: "x".repeat(32), lineCount: 300 });
  const line = new Uint8Array(layout.lineInfo.sizeBytes);
  line.set(Buffer.from("lamp"), 32);
  line[72] = 0b1001;
  assert.deepEqual(decodeLineInfo(line), { isUsed: true, consumer: "lamp" });
});
