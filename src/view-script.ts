/**
 * The script of the installer's view. It runs in the browser, so the compiler that builds maskgate must not know its globals:
 * it is text here, and a test checks its types and its form. It asks for a frame when the last one is drawn; nothing queues.
 */

/** JavaScript, as a module. */
export const script = String.raw`// @ts-check
/** @typedef {import("./view-state.ts").ViewState & { picture: string | null }} View */
/** @typedef {import("./view-state.ts").ViewFace} Face */

/** @type {<T extends HTMLElement>(id: string, type: new () => T) => T} */
const part = (id, type) => {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(id);
  return found;
};
const canvas = part("picture", HTMLCanvasElement);
const says = part("says", HTMLElement);
const hint = part("hint", HTMLElement);
const open = part("open", HTMLInputElement);
const search = part("search", HTMLInputElement);

/** @type {View | undefined} */
let view;
/** @type {ImageBitmap | undefined} */
let picture;
let isSet = false;

const sentences = {
  ready: "Door locked: nobody near enough",
  checking: "Door locked: checking",
  granted: "Door open: mask",
  reminded: "Door open: no mask, reminded",
  refused: "Door locked: refused, no mask",
  fault: "Door locked: fault",
};
const colours = { masked: "#19c37d", bare: "#ff5a50", small: "#c8d0d8" };
const words = { masked: "mask", bare: "no mask", small: "too small" };

/** @param {HTMLElement} element @param {string} text */
function tell(element, text) {
  // Unchanged text must not be read out again.
  if (element.textContent !== text) element.textContent = text;
}

/** @param {number} value @param {string} unit */
const rounded = (value, unit) => value.toFixed(value < 10 ? 1 : 0) + " " + unit;

/** What the tried sizes make of a face. @param {Face} face @returns {keyof typeof words} */
function kindOf(face) {
  if (!view || face.facePx < Number(open.value)) return "small";
  return face.masked >= view.policy.threshold ? "masked" : "bare";
}

/** @param {CanvasRenderingContext2D} pen @param {string} text @param {string} colour @param {number} x @param {number} y */
function label(pen, text, colour, x, y) {
  const sizePx = Math.max(14, canvas.width / 36);
  pen.font = "600 " + sizePx + "px system-ui, sans-serif";
  const widthPx = pen.measureText(text).width + sizePx * 0.6;
  const left = Math.max(0, Math.min(x, canvas.width - widthPx));
  const top = Math.max(0, Math.min(y - sizePx * 1.4, canvas.height - sizePx * 1.4));
  pen.fillStyle = "#000c";
  pen.fillRect(left, top, widthPx, sizePx * 1.4);
  pen.fillStyle = colour;
  pen.fillText(text, left + sizePx * 0.3, top + sizePx * 1.05);
}

/** @param {CanvasRenderingContext2D} pen @param {Face} face @param {number} linePx */
function drawFace(pen, face, linePx) {
  const kind = kindOf(face);
  const { x, y, width, height } = face.box;
  pen.strokeStyle = colours[kind];
  pen.lineWidth = linePx;
  pen.setLineDash(kind === "small" ? [linePx * 3, linePx * 2] : []);
  pen.strokeRect(x, y, width, height);
  if (kind === "bare")
    pen.strokeRect(x - linePx * 2, y - linePx * 2, width + linePx * 4, height + linePx * 4);
  pen.setLineDash([]);
  label(pen, words[kind] + " " + face.masked.toFixed(2) + ", " + face.facePx + " px", colours[kind], x, y);
}

/** The tried sizes as squares in the lower left corner. @param {CanvasRenderingContext2D} pen @param {number} linePx */
function drawSizes(pen, linePx) {
  pen.lineWidth = linePx;
  for (const [input, text, colour] of /** @type {const} */ ([
    [open, "opens from", "#ffd54a"],
    [search, "searched from", "#7cc4ff"],
  ])) {
    const px = Number(input.value);
    pen.strokeStyle = colour;
    pen.strokeRect(linePx, canvas.height - px - linePx, px, px);
    label(pen, text + " " + px + " px", colour, px + linePx * 3, canvas.height - px + linePx * 8);
  }
}

function draw() {
  const pen = canvas.getContext("2d");
  if (!view || !pen || view.widthPx === 0) return;
  if (canvas.width !== view.widthPx || canvas.height !== view.heightPx) {
    canvas.width = view.widthPx;
    canvas.height = view.heightPx;
  }
  if (picture) pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  const linePx = Math.max(2, canvas.width / 240);
  drawSizes(pen, linePx);
  for (const face of view.faces) drawFace(pen, face, linePx);
}

/** @param {View} now */
function listFaces(now) {
  const items = now.faces.map((face) => {
    const kind = kindOf(face);
    const item = document.createElement("li");
    item.dataset.kind = kind;
    const verdict = document.createElement("strong");
    verdict.textContent = words[kind] + ", " + face.facePx + " px wide";
    const votes = face.agreed + " of " + now.policy.framesToGrant + " votes";
    const rest = ": masked " + face.masked.toFixed(2) + ", face " + face.score.toFixed(2) + ", ";
    const meter = document.createElement("meter");
    meter.max = Math.max(200, Number(open.value) * 2);
    meter.low = Number(search.value);
    meter.high = Number(open.value);
    meter.optimum = meter.max;
    meter.value = face.facePx;
    meter.title = face.facePx + " px; opens from " + open.value + " px";
    meter.setAttribute("aria-label", meter.title);
    item.append(verdict, rest + (face.isDeciding ? votes : "does not decide"), meter);
    return item;
  });
  part("faces", HTMLElement).replaceChildren(...items);
  part("nobody", HTMLElement).hidden = items.length > 0;
}

/** @param {View} now */
function listNumbers(now) {
  const { stages, model } = now;
  /** @type {[string, string][]} */
  const rows = [
    ["Frames decided", rounded(now.framesPerSecond, "a second") + ", " + now.framesSkipped + " skipped"],
    ["Picture", now.widthPx + " x " + now.heightPx + " px"],
    ["Provider", model.provider + (model.isFirstChoice ? "" : " (asked for: " + model.askedProvider + ")")],
    ["Model", model.name + " " + model.version],
    ["Masked from", now.policy.threshold.toFixed(2)],
  ];
  if (stages) {
    rows.push(["Decode", rounded(stages.decodeMs, "ms")], ["Detect", rounded(stages.detectMs, "ms")]);
    rows.push(["Crop", rounded(stages.cropMs, "ms")], ["Classify", rounded(stages.classifyMs, "ms")]);
    rows.push(["Frame to decision", rounded(stages.frameToDecisionMs, "ms")]);
  }
  const cells = rows.flatMap(([name, value]) => {
    const [term, detail] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = name;
    detail.textContent = value;
    return [term, detail];
  });
  part("now", HTMLElement).replaceChildren(...cells);
}

function showSizes() {
  if (!view) return;
  tell(part("open-px", HTMLElement), open.value + " px (runs with " + view.policy.leastFacePx + ")");
  tell(part("search-px", HTMLElement), search.value + " px (runs with " + view.leastSearchedPx + ")");
  const isLess = Number(search.value) < view.leastSearchedPx;
  tell(
    part("search-hint", HTMLElement),
    isLess
      ? "Faces below " + view.leastSearchedPx + " px show only after a start with these lines."
      : "Higher is faster: fewer parts of the picture are searched.",
  );
  tell(
    part("lines", HTMLElement),
    "[access]\nleastFacePx = " + open.value + "\n\n[faces]\nleastFacePx = " + search.value,
  );
}

/** @param {View} now */
async function show(now) {
  if (!isSet) {
    // What runs must be within reach, or the slider would say that something else does.
    for (const input of [open, search]) input.max = String(Math.max(400, now.policy.leastFacePx));
    open.value = String(now.policy.leastFacePx);
    search.value = String(now.leastSearchedPx);
    isSet = true;
  }
  if (now.picture !== null) {
    const bytes = Uint8Array.from(atob(now.picture), (letter) => letter.charCodeAt(0));
    const newer = await createImageBitmap(new Blob([bytes], { type: "image/jpeg" }));
    picture?.close();
    picture = newer;
  }
  // From here on nothing waits: whoever moves a slider meanwhile gets picture and boxes of the same frame.
  view = now;
  says.dataset.kind = now.fault ? "fault" : now.wouldUnlock ? "open" : "locked";
  tell(says, sentences[now.indication]);
  const silent = now.hasEnded ? "The replay has ended." : "No new frame for two seconds.";
  tell(hint, now.fault ? now.fault.message : now.picture === null ? silent : "");
  const seen = now.faces.length === 1 ? "1 face" : now.faces.length + " faces";
  canvas.setAttribute("aria-label", "The camera's picture with " + seen);
  canvas.dataset.seq = String(now.seq);
  showSizes();
  listFaces(now);
  listNumbers(now);
  draw();
}

/** @param {number} ms */
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function follow() {
  for (;;) {
    try {
      const answer = await fetch("frame");
      if (!answer.ok) throw new Error(await answer.text());
      await show(/** @type {View} */ (await answer.json()));
    } catch {
      says.dataset.kind = "lost";
      tell(says, "maskgate view does not answer");
      tell(hint, "Is it still running, and the tunnel with it? A new start has a new address.");
      await wait(1000);
    }
  }
}

// The door can't open for a face that is not searched, so one slider pushes the other.
open.addEventListener("input", () => {
  if (Number(search.value) > Number(open.value)) search.value = open.value;
});
search.addEventListener("input", () => {
  if (Number(open.value) < Number(search.value)) open.value = search.value;
});
for (const input of [open, search]) {
  input.addEventListener("input", () => {
    if (!view) return;
    showSizes();
    listFaces(view);
    draw();
  });
}
part("copy", HTMLButtonElement).addEventListener("click", async () => {
  const text = part("lines", HTMLElement).textContent ?? "";
  const isDone = await navigator.clipboard.writeText(text).then(
    () => true,
    () => false,
  );
  tell(part("copied", HTMLElement), isDone ? "Copied" : "Select the lines and copy them by hand");
});
await follow();
`;
