/** The page of the installer's view: one document, one style, one script, nothing from anywhere else. */
import type { Asset } from "./io/view-server.ts";
import { script } from "./view-script.ts";

const html = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>maskgate view</title>
    <link rel="stylesheet" href="view.css" />
    <script type="module" src="view.js"></script>
  </head>
  <body>
    <header>
      <h1>maskgate view</h1>
      <p id="says" role="status" data-kind="none">Waiting for the first frame</p>
      <p id="hint"></p>
    </header>
    <main>
      <section aria-labelledby="picture-title">
        <h2 id="picture-title">Picture</h2>
        <canvas id="picture" width="640" height="480" role="img" aria-label="No picture yet"></canvas>
        <p class="key">
          <span data-kind="masked">solid green: mask</span>
          <span data-kind="bare">double red: no mask</span>
          <span data-kind="small">dashed: too small to open</span>
        </p>
      </section>
      <section aria-labelledby="faces-title">
        <h2 id="faces-title">Faces</h2>
        <p id="nobody">Nobody</p>
        <ul id="faces"></ul>
      </section>
      <section aria-labelledby="least-title">
        <h2 id="least-title">Try least face sizes</h2>
        <p>
          Stand where people should be let in and read the width of your face. The sliders change this page
          only; the squares in the picture are as large as they say.
        </p>
        <label for="open">
          Smallest face that can open the door: <output id="open-px" for="open"></output>
        </label>
        <input id="open" type="range" min="20" max="400" step="1" />
        <label for="search">
          Smallest face that is searched: <output id="search-px" for="search"></output>
        </label>
        <input id="search" type="range" min="20" max="400" step="1" />
        <p id="search-hint"></p>
        <h3 id="lines-title">Lines for the configuration</h3>
        <pre id="lines" tabindex="0" aria-labelledby="lines-title"></pre>
        <button id="copy" type="button">Copy the lines</button>
        <span id="copied" role="status"></span>
      </section>
      <section aria-labelledby="now-title">
        <h2 id="now-title">Camera and model</h2>
        <dl id="now"></dl>
      </section>
    </main>
  </body>
</html>
`;

const css = `:root {
  color-scheme: light dark;
  --paper: light-dark(#fff, #14181c);
  --ink: light-dark(#14181c, #f2f4f6);
  --soft: light-dark(#e7ebef, #2a3138);
  --masked: light-dark(#0b6b3a, #4fd08a);
  --bare: light-dark(#a8071a, #ff8a80);
  --small: light-dark(#454d55, #b8c0c8);
}
* {
  box-sizing: border-box;
}
body {
  margin: 0 auto;
  max-width: 72rem;
  padding: 0.75rem;
  background: var(--paper);
  color: var(--ink);
  font:
    1rem/1.45 system-ui,
    sans-serif;
}
h1,
h2,
h3 {
  margin: 0.75rem 0 0.25rem;
  font-size: 1.1rem;
}
h1 {
  margin-top: 0;
}
p {
  margin: 0.25rem 0;
}
#says {
  padding: 0.6rem 0.75rem;
  border-left: 0.5rem solid var(--small);
  background: var(--soft);
  font-size: 1.25rem;
  font-weight: 600;
}
#says[data-kind="open"] {
  border-color: var(--masked);
}
#says[data-kind="fault"],
#says[data-kind="lost"] {
  border-color: var(--bare);
}
#hint,
#search-hint {
  min-height: 1.45em;
}
canvas {
  display: block;
  width: 100%;
  height: auto;
  background: #000;
}
.key span {
  margin-right: 1rem;
  white-space: nowrap;
}
.key [data-kind="masked"],
#faces [data-kind="masked"] strong {
  color: var(--masked);
}
.key [data-kind="bare"],
#faces [data-kind="bare"] strong {
  color: var(--bare);
}
#faces {
  margin: 0;
  padding: 0;
  list-style: none;
}
#faces li {
  padding: 0.4rem 0;
  border-bottom: 1px solid var(--soft);
}
#faces meter {
  display: block;
  width: 100%;
  height: 1.1rem;
}
label {
  display: block;
  margin-top: 0.5rem;
}
input[type="range"] {
  width: 100%;
  height: 2.75rem;
}
pre {
  margin: 0 0 0.5rem;
  padding: 0.6rem;
  overflow-x: auto;
  background: var(--soft);
}
button {
  min-height: 2.75rem;
  padding: 0 1rem;
  font: inherit;
}
:focus-visible {
  outline: 3px solid var(--masked);
  outline-offset: 2px;
}
dl {
  display: grid;
  grid-template-columns: max-content 1fr;
  gap: 0.1rem 1rem;
  margin: 0;
}
dd {
  margin: 0;
  overflow-wrap: anywhere;
}
@media (min-width: 56rem) {
  main {
    display: grid;
    grid-template-columns: 3fr 2fr;
    gap: 0 1.5rem;
  }
}
`;

/** By name; the page itself has none. */
export const viewAssets: ReadonlyMap<string, Asset> = new Map([
  ["", { type: "text/html; charset=utf-8", text: html }],
  ["view.css", { type: "text/css; charset=utf-8", text: css }],
  ["view.js", { type: "text/javascript; charset=utf-8", text: script }],
]);
