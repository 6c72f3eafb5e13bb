/** What the installer's browser is given is text to the compiler that builds maskgate; here it is held to types and form like all else. */
import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { check, resolveConfig } from "prettier";
import ts from "typescript";
import { viewAssets } from "../src/view-page.ts";

const files = [
  { name: "", parser: "html" },
  { name: "view.css", parser: "css" },
  { name: "view.js", parser: "babel" },
] as const;

test("page, style and script have the form of all other files", async () => {
  const form = await resolveConfig(path.resolve("src/view-page.ts"));
  for (const { name, parser } of files) {
    const text = viewAssets.get(name)?.text ?? "";
    assert.ok(await check(text, { ...form, parser }), `${name}: not as prettier writes it`);
  }
  assert.equal(viewAssets.size, files.length);
});

/** Beside the types that it names. */
const place = path.resolve("src/view.js");

function complaintsOf(script: string): readonly string[] {
  const options: ts.CompilerOptions = {
    ...{ allowJs: true, checkJs: true, noEmit: true, types: [], skipLibCheck: true },
    ...{ target: ts.ScriptTarget.ES2022, lib: ["lib.es2022.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"] },
    moduleDetection: ts.ModuleDetectionKind.Force,
    ...{ module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler },
    ...{ strict: true, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true },
    ...{ noUnusedLocals: true, noUnusedParameters: true, allowImportingTsExtensions: true },
  };
  const host = ts.createCompilerHost(options);
  host.readFile = (file) => (path.resolve(file) === place ? script : ts.sys.readFile(file));
  host.fileExists = (file) => path.resolve(file) === place || ts.sys.fileExists(file);
  const program = ts.createProgram([place], options, host);
  return ts
    .getPreEmitDiagnostics(program, program.getSourceFile(place))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
}

test("the script's types are right, those of the daemon's answer included", () => {
  const script = viewAssets.get("view.js")?.text ?? "";
  assert.deepEqual(complaintsOf(script), []);
  const broken = script.replace("now.framesPerSecond", "now.framesPerMinute");
  assert.notEqual(broken, script);
  assert.match(complaintsOf(broken).join("\n"), /'framesPerMinute' does not exist/);
});
