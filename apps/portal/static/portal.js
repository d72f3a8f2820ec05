"use strict";
// The form works without this; with it, the phone keeps the file until the acknowledged digest is here, tries again with
// the same key, and follows what becomes of each upload.
const form = document.getElementById("upload");
const list = document.getElementById("list");
const limit = Number(form.dataset.limitBytes);
const FINAL = ["archived", "refused", "duplicate"];
const WORDS = { ...JSON.parse(form.dataset.words), sending: "sending", failed: "not sent – keep the paper" };
const LOST = {
  401: "Please sign in again to see how it stands.",
  404: "We no longer know this upload. Please keep the paper and send it again.",
};
const STORE = "probant-uploads";
const SENDER = "probant-sender";

function remembered() {
  try { return JSON.parse(localStorage.getItem(STORE)) || []; } catch { return []; }
}

function remember(upload) {
  const others = remembered().filter((known) => known.upload !== upload.upload);
  localStorage.setItem(STORE, JSON.stringify([upload, ...others].slice(0, 50)));
}

function randomKey() {
  // crypto.randomUUID is missing on plain http; this is not.
  return Array.from(crypto.getRandomValues(new Uint8Array(24)), (b) => b.toString(16).padStart(2, "0")).join("");
}

async function digestOf(file) {
  if (!window.crypto || !crypto.subtle) return null;
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text || "";
  return made;
}

function newEntry(name) {
  const item = document.createElement("li");
  const entry = {
    item,
    name: element("div", "name", name),
    state: element("span", "state", ""),
    text: element("p", "hint"),
    digest: element("p", "digest"),
  };
  item.append(entry.name, entry.state, entry.text, entry.digest);
  document.getElementById("mine").hidden = false;
  return entry;
}

function link(className, text, address) {
  const made = element("a", className, text);
  made.href = address;
  return made;
}

function nameLink(entry, upload) {
  entry.name.replaceChildren(link("", upload.name, "/uploads/" + upload.upload));
}

function show(entry, state, text, sha256) {
  entry.state.textContent = WORDS[state] || state;
  entry.state.className = "state " + state;
  entry.text.textContent = text || "";
  entry.digest.textContent = sha256 ? "SHA-256 " + sha256 : "";
}

function send(file, key, entry, expected) {
  const bar = document.createElement("progress");
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", "sending " + (file.name || "photo.jpg"));
  entry.item.append(bar);
  show(entry, "sending", "");
  const body = new FormData();
  body.append("sender", form.elements.sender.value);
  body.append("file", file, file.name || "photo.jpg");
  const request = new XMLHttpRequest();
  request.open("POST", "/uploads");
  request.setRequestHeader("Idempotency-Key", key);
  request.setRequestHeader("Accept", "application/json");
  request.responseType = "json";
  request.timeout = 300000;
  request.upload.onprogress = (event) => { if (event.lengthComputable) bar.value = event.loaded / event.total; };
  request.onloadend = () => {
    bar.remove();
    const answer = request.response || {};
    if (request.status === 201 && (expected === null || answer.sha256 === expected)) {
      const upload = { upload: answer.upload, name: file.name || "photo.jpg", state: "received", sha256: answer.sha256 };
      remember(upload);
      nameLink(entry, upload);
      show(entry, "received", "", answer.sha256);
      follow(entry, upload);
      return;
    }
    show(entry, "failed", answer.advice || "It did not arrive whole. Please try again.");
    if (request.status === 401) entry.item.append(link("button", "Sign in", "/"));
    if (request.status === 413 || request.status === 401) return;
    const again = element("button", "button", "Try again");
    again.type = "button";
    again.onclick = () => { again.remove(); send(file, key, entry, expected); };
    entry.item.append(again);
  };
  request.send(body);
}

async function follow(entry, upload) {
  while (!FINAL.includes(upload.state)) {
    await new Promise((wake) => setTimeout(wake, document.hidden ? 30000 : 5000));
    try {
      const response = await fetch("/uploads/" + upload.upload, { headers: { Accept: "application/json" } });
      if (response.status in LOST) {
        show(entry, upload.state, LOST[response.status], upload.sha256);
        return;
      }
      const answer = await response.json();
      Object.assign(upload, { state: answer.state, message: answer.message });
      remember(upload);
      show(entry, answer.state, answer.message, upload.sha256);
    } catch { /* offline: at the next look */ }
  }
}

document.body.classList.add("scripted");
form.elements.sender.value = localStorage.getItem(SENDER) || "";
form.elements.sender.onchange = () => localStorage.setItem(SENDER, form.elements.sender.value);
form.onsubmit = (event) => event.preventDefault();
for (const input of form.querySelectorAll("input[type=file]")) {
  input.multiple = !input.hasAttribute("capture");
  input.onchange = async () => {
    const files = [...input.files];
    // The list of a cleared input is empty, the files themselves stay.
    input.value = "";
    for (const file of files) {
      const entry = newEntry(file.name || "photo.jpg");
      list.prepend(entry.item);
      if (file.size > limit) {
        show(entry, "failed", "The file is larger than we accept: please send a smaller photo or split the file.");
        continue;
      }
      send(file, randomKey(), entry, await digestOf(file));
    }
  };
}
for (const upload of remembered()) {
  const entry = newEntry(upload.name);
  nameLink(entry, upload);
  list.append(entry.item);
  show(entry, upload.state, upload.message, upload.sha256);
  follow(entry, upload);
}
