// The page at /: a picture, a question, the answers, and where the model looked. It talks to this server alone.

const byId = (id) => document.getElementById(id);
const [stage, canvas, regionLayer] = [byId("stage"), byId("picture"), byId("regions")];
const [question, form, askButton] = [byId("question"), byId("form"), byId("ask")];

// What is being asked about. `id` is the server's name for a picture that it has; `file` is the picture itself.
let picture = { id: null, file: null, name: "" };
let latest = 0;  // the number of the last request: what an older one brings is not shown any more
let result = null;

// MARK: Pictures

const storage = (() => {
  // Pictures that were asked about, by the server's name for them, so that a link shows the picture again in this browser.
  const open = () => new Promise((resolve, reject) => {
    const request = indexedDB.open("pictures", 1);
    request.onupgradeneeded = () => request.result.createObjectStore("files");
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const within = async (mode, work) => {
    const database = await open();
    return new Promise((resolve, reject) => {
      const request = work(database.transaction("files", mode).objectStore("files"));
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  };
  const most = 20;
  return {
    // Without a place to keep it (a private window) a link shows the regions alone.
    keep: async (id, file) => {
      try {
        await within("readwrite", (files) => files.put({ file, at: Date.now() }, id));
        const keys = await within("readonly", (files) => files.getAllKeys());
        if (keys.length <= most) return;
        const values = await within("readonly", (files) => files.getAll());
        const oldest = keys.map((key, i) => [values[i].at, key]).sort((a, b) => a[0] - b[0]);
        for (const [, key] of oldest.slice(0, keys.length - most)) {
          await within("readwrite", (files) => files.delete(key));
        }
      } catch { /* as said above */ }
    },
    find: async (id) => {
      try { return (await within("readonly", (files) => files.get(id)))?.file ?? null; } catch { return null; }
    },
  };
})();

async function show(file, name) {
  const url = URL.createObjectURL(file);
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    canvas.width = image.naturalWidth;
    canvas.height = image.naturalHeight;
    canvas.getContext("2d").drawImage(image, 0, 0);
    canvas.setAttribute("aria-label", `The picture: ${name}`);
  } catch {
    // A browser knows fewer formats than the server does, TIFF among them.
    blank(640, 480, `${name}: this browser cannot show it, the server may read it`);
  } finally {
    URL.revokeObjectURL(url);
  }
  stage.classList.remove("empty");
}

function blank(width, height, label) {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  context.fillStyle = "#8a939c";
  context.fillRect(0, 0, width, height);
  canvas.setAttribute("aria-label", label);
  stage.classList.remove("empty");
}

async function take(file, name) {
  latest += 1;
  picture = { id: null, file, name };
  clearResult();
  say("");
  history.replaceState(null, "", location.pathname);
  await show(file, name);
  if (question.value.trim()) ask(); else question.focus();
}

async function sample(description) {
  const [shape, color] = description.split(":");
  const drawing = document.createElement("canvas");
  drawing.width = drawing.height = 512;
  const context = drawing.getContext("2d");
  context.scale(2, 2);
  context.fillStyle = "#e6e6e6";
  context.fillRect(0, 0, 256, 256);
  context.fillStyle = color;
  context.beginPath();
  if (shape === "circle") context.arc(140, 120, 64, 0, 2 * Math.PI);
  if (shape === "rectangle") context.rect(60, 80, 136, 88);
  if (shape === "triangle") { context.moveTo(128, 56); context.lineTo(200, 188); context.lineTo(56, 188); }
  context.fill();
  const file = await new Promise((resolve) => drawing.toBlob(resolve, "image/png"));
  await take(file, `a sample, a ${shape}`);
}

// MARK: Asking

class Problem extends Error {}

async function post(withFile) {
  const body = new FormData();
  if (withFile) body.append("picture", picture.file, "picture");
  else body.append("pictureId", picture.id);
  body.append("questions", question.value.trim());
  body.append("top", "5");
  if (method()) body.append("explain", method());
  const headers = {};
  if (byId("key").value) headers.Authorization = `Bearer ${byId("key").value}`;
  let response;
  try {
    response = await fetch("/v1/answers", { method: "POST", body, headers });
  } catch {
    throw new Problem("The server does not answer. Is it still running? Ask again when it is.");
  }
  if (response.ok) return response.json();
  if (response.status === 404 && !withFile && picture.file) return post(true);
  const problem = await response.json().catch(() => ({}));
  if (response.status === 401) {
    byId("key-row").hidden = false;
    byId("key").focus();
  }
  if (response.status === 404 && !picture.file) {
    throw new Problem("The server no longer has this picture. Choose it again.");
  }
  throw new Problem([problem.title, problem.detail].filter(Boolean).join(": ") || `Error ${response.status}`);
}

async function ask() {
  if (!picture.file && !picture.id) return fail("Choose a picture first, or drop one on the field.");
  if (!question.value.trim()) { question.focus(); return fail("Type a question first."); }
  const number = latest += 1;
  byId("problem").hidden = true;
  askButton.disabled = true;
  say("Looking …");
  try {
    const reply = await post(!picture.id);
    if (number !== latest) return;
    picture.id = reply.pictureId;
    if (picture.file) storage.keep(picture.id, picture.file);
    render(reply);
    say("");
  } catch (error) {
    if (number !== latest) return;
    clearResult();
    say("");
    fail(error instanceof Problem ? error.message : `The page failed: ${error.message}`);
  } finally {
    if (number === latest) askButton.disabled = false;
  }
}

const method = () => form.elements.method.value;
const say = (text) => { byId("status").textContent = text; };

function fail(text) {
  byId("problem").textContent = text;
  byId("problem").hidden = false;
}

function clearResult() {
  result = null;
  askButton.disabled = false;
  byId("problem").hidden = true;
  byId("result").hidden = true;
  byId("region-name").hidden = true;
  regionLayer.replaceChildren();
}

// MARK: Showing

const element = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};
const percent = (share) => `${(100 * share).toFixed(1)}\u00a0%`;  // on one line

function bar(label, share, score) {
  const fill = element("span", { className: "bar" });
  fill.style.width = `${Math.max(0, Math.min(1, share)) * 100}%`;
  const track = element("span", { className: "track" }, fill);
  track.setAttribute("aria-hidden", "true");
  return element("li", {}, label, track, element("span", { className: "score", textContent: score }));
}

function render(reply) {
  result = reply;
  const { answers, explanation, unknownWords, isCut, question: asked } = reply.answers[0];
  byId("answer").textContent = answers[0].answer || "(an empty answer)";
  byId("answers").replaceChildren(
    ...answers.map((one) => bar(element("span", { textContent: one.answer || "(empty)" }), one.score, percent(one.score))));
  const gap = answers.length > 1 ? answers[0].score - answers[1].score : 1;
  const notes = [gap < 0.1 ? "The model is not sure: the next answer is close." : ""];
  if (unknownWords.length) notes.push(`It does not know: ${unknownWords.join(", ")}.`);
  if (isCut) notes.push("It read only the beginning of the question.");
  byId("notes").textContent = notes.filter(Boolean).join(" ");
  renderWords(asked, explanation);
  renderRegions(reply, explanation);
  const link = new URLSearchParams({ picture: reply.pictureId, question: asked });
  if (method()) link.set("by", method());
  byId("link").href = `#${link}`;
  history.replaceState(null, "", `#${link}`);
  byId("result").hidden = false;
  byId("answer").focus();
}

// Weights of occlusion may be below zero: what spoke against the answer is not tinted.
function strengths(weights) {
  const most = Math.max(...weights, 0);
  return weights.map((weight) => (most > 0 ? Math.max(0, weight) / most : 0));
}

const weightText = (weight) => (method() === "occlusion" ? weight.toFixed(2) : percent(weight));

function renderWords(asked, explanation) {
  const words = explanation?.words ?? [];
  byId("words").hidden = words.length === 0;
  const shares = strengths(words.map((word) => word.weight));
  byId("words").replaceChildren(...words.flatMap((word, i) => {
    const span = element("span", { textContent: word.text, title: weightText(word.weight) });
    span.style.backgroundColor = `rgba(var(--tint), ${(0.6 * shares[i]).toFixed(3)})`;
    return [span, " "];
  }));
}

function renderRegions(reply, explanation) {
  const regions = reply.regions ?? [], weights = explanation?.regions ?? [];
  byId("seen").hidden = weights.length === 0;
  if (reply.image) {
    regionLayer.setAttribute("viewBox", `0 0 ${reply.image.width} ${reply.image.height}`);
    if (!picture.file) blank(reply.image.width, reply.image.height, "The picture is not in this browser: only its regions");
  }
  fitLayer();
  if (!weights.length || !reply.image) {
    regionLayer.replaceChildren();
    byId("top-regions").replaceChildren();
    return;
  }
  const shares = strengths(weights);
  // Small regions last, so that a large one does not hide them from the pointer.
  const area = ({ box }) => (box[2] - box[0]) * (box[3] - box[1]);
  const order = regions.map((_, i) => i).sort((a, b) => area(regions[b]) - area(regions[a]));
  const boxes = new Map(order.map((i) => [i, box(regions[i], i, shares[i], weights[i])]));
  regionLayer.replaceChildren(...boxes.values());
  const top = regions.map((_, i) => i).sort((a, b) => weights[b] - weights[a]).slice(0, 5)
    .filter((i) => weights[i] > 0);
  byId("top-regions").replaceChildren(...top.map((i) => {
    const button = element("button", { type: "button", textContent: nameOf(regions[i], i) });
    for (const name of ["focus", "pointerenter"]) button.addEventListener(name, () => light(boxes.get(i), true));
    for (const name of ["blur", "pointerleave"]) button.addEventListener(name, () => light(boxes.get(i), false));
    return bar(button, shares[i], weightText(weights[i]));
  }));
}

const nameOf = (region, i) => region.name || `region ${i + 1}`;

function box(region, i, share, weight) {
  const [left, top, right, bottom] = region.box;
  const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  const numbers = { x: left, y: top, width: right - left, height: bottom - top };
  for (const [name, value] of Object.entries(numbers)) rect.setAttribute(name, value);
  rect.setAttribute("fill-opacity", (0.55 * share).toFixed(3));
  rect.dataset.name = `${nameOf(region, i)}: ${weightText(weight)}`;
  rect.addEventListener("pointerenter", () => light(rect, true));
  rect.addEventListener("pointerleave", () => light(rect, false));
  return rect;
}

function light(rect, isOn) {
  rect.classList.toggle("on", isOn);
  byId("region-name").hidden = !isOn;
  byId("region-name").textContent = rect.dataset.name;
}

// The regions lie on the picture as it is shown, whatever its size on the screen.
function fitLayer() {
  regionLayer.style.width = `${canvas.clientWidth}px`;
  regionLayer.style.height = `${canvas.clientHeight}px`;
}
new ResizeObserver(fitLayer).observe(canvas);

// MARK: What a person does

function tellMethod() {
  byId("method-note").textContent = {
    attention: "Attention: what the model weighed. That is not yet a reason.",
    occlusion: "Occlusion: how much less the answer would count without a region or word. It takes longer.",
  }[method()] ?? "";
}

form.addEventListener("submit", (event) => { event.preventDefault(); ask(); });
for (const input of form.elements.method) {
  input.addEventListener("change", () => { tellMethod(); if (result) ask(); });
}
for (const input of [byId("file"), byId("camera")]) {
  input.addEventListener("change", () => {
    if (input.files[0]) take(input.files[0], input.files[0].name);
    input.value = "";
  });
}
for (const button of document.querySelectorAll("[data-sample]")) {
  button.addEventListener("click", () => sample(button.dataset.sample));
}
for (const name of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    stage.classList.toggle("over", name === "dragover");
    const file = name === "drop" ? event.dataTransfer.files[0] : null;
    if (file) take(file, file.name);
  });
}
document.addEventListener("paste", (event) => {
  const file = [...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith("image/"));
  if (file) take(file, "a picture from the clipboard");
});

async function openLink() {
  const link = new URLSearchParams(location.hash.slice(1));
  const id = link.get("picture");
  if (!id) return;
  if (id === picture.id && link.get("question") === question.value.trim() && result) return;
  const file = await storage.find(id);
  picture = { id, file, name: "the picture of the link" };
  question.value = link.get("question") ?? "";
  for (const input of form.elements.method) input.checked = input.value === (link.get("by") ?? "");
  tellMethod();
  if (file) await show(file, picture.name);
  await ask();
}
window.addEventListener("hashchange", openLink);

async function describe() {
  try {
    const model = await (await fetch("/v1/model")).json();
    if (model.model) byId("model").textContent = `${model.model.name}, ${model.answers} answers`;
    if (model.takes && !model.takes.includes("picture")) {
      fail("This server takes features and no pictures: it has no detector. Its API answers about features.");
    }
  } catch { /* asking tells it */ }
}

tellMethod();
describe();
openLink();
