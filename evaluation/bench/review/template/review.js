"use strict";
const held = JSON.parse(document.getElementById("held").textContent);
const clips = held.clips, key = "tocsin-review-" + held.sample;
const kinds = [["gunshot", "Gunshot"], ["fireworks", "Fireworks"], ["backfire", "Backfire"],
  ["impulse", "Other bang"], ["background", "Nothing, background"], ["unsure", "Unsure"]];
const el = (id) => document.getElementById(id);
const fresh = {reviewer: "", at: 0, answers: {}, done: []};
let state = fresh;
try { state = Object.assign(fresh, JSON.parse(localStorage.getItem(key) || "{}")); }
catch (error) { el("said").textContent = "This browser keeps nothing here: save your answers before you close the page."; }
const sound = new Audio();
const buttons = kinds.map(([name, words], place) => {
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.answer = name;
  button.textContent = (place + 1) + "  " + words;
  button.addEventListener("click", () => answer(name));
  el("answers").append(button);
  return button;
});

function keep() {
  try { localStorage.setItem(key, JSON.stringify(state)); }
  catch (error) { el("said").textContent = "Could not be kept in this browser: save your answers now."; }
}
function show(place, play) {
  state.at = Math.min(Math.max(place, 0), clips.length - 1);
  const clip = clips[state.at], given = state.answers[clip.id];
  sound.pause();
  if (clip.audio) { sound.src = clip.audio; } else { sound.removeAttribute("src"); }
  el("place").textContent = "Clip " + (state.at + 1) + " of " + clips.length;
  el("kind").textContent = clip.quiet ? "a piece of quiet time" : "";
  el("player").hidden = !clip.audio;
  el("silent").hidden = Boolean(clip.audio);
  el("play").disabled = !clip.audio;
  if (clip.image) { el("image").src = clip.image; }
  el("onset").hidden = clip.onset === null || clip.onset === undefined;
  el("onset").style.left = 100 * (clip.onset || 0) + "%";
  el("head").style.left = "0";
  const notes = [];
  if (clip.length_s) { notes.push(clip.length_s.toFixed(1) + " s"); }
  if (clip.gain_db >= 1) { notes.push("played " + Math.round(clip.gain_db) + " dB louder than recorded"); }
  if (clip.score !== undefined) { notes.push("score " + clip.score); }
  el("note").textContent = notes.join(", ");
  for (const button of buttons) {
    button.setAttribute("aria-pressed", String(Boolean(given) && given.answer === button.dataset.answer));
  }
  const number = Object.keys(state.answers).length;
  el("progress").value = number / clips.length;
  el("count").textContent = number + " of " + clips.length + " answered";
  el("undo").disabled = !state.done.length;
  keep();
  if (play && el("auto").checked) { toggle(); }
}
function toggle() {
  if (!sound.getAttribute("src")) { return; }
  if (!sound.paused) { sound.pause(); return; }
  sound.play().catch((error) => { if (error.name !== "AbortError") { el("said").textContent = "This clip cannot be played: " + error.message; } });
}
function step(by) {
  for (let place = state.at + by; place >= 0 && place < clips.length; place += by) {
    if (!el("unanswered").checked || !state.answers[clips[place].id]) { show(place, true); return; }
  }
  if (by > 0 && Object.keys(state.answers).length === clips.length) { el("said").textContent = "All are answered: save them as CSV."; }
  show(state.at, false);
}
function answer(name) {
  const id = clips[state.at].id;
  state.done.push([id, state.answers[id] || null]);
  state.answers[id] = {answer: name, time_utc: new Date().toISOString()};
  step(1);
}
function undo() {
  const last = state.done.pop();
  if (!last) { return; }
  if (last[1]) { state.answers[last[0]] = last[1]; } else { delete state.answers[last[0]]; }
  show(clips.findIndex((clip) => clip.id === last[0]), false);
}
const quoted = (text) => /[",\r\n]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text;
function csv() {
  const rows = clips.filter((clip) => state.answers[clip.id]).map((clip) => {
    const given = state.answers[clip.id];
    return [clip.id, given.answer, quoted(state.reviewer), given.time_utc, held.sample].join(",");
  });
  return ["id,answer,reviewer,time_utc,sample", ...rows].join("\n") + "\n";
}
function save() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([csv()], {type: "text/csv"}));
  link.download = "answers-" + (state.reviewer.replace(/[^\p{L}\p{N}]+/gu, "-") || "reviewer") + ".csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
function cells(line) {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map((m) => m[1] === undefined ? m[2] : m[1].replace(/""/g, '"'));
}
function load(text) {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/).filter((line) => line);
  const names = cells(lines[0] || ""), known = new Set(clips.map((clip) => clip.id));
  const rows = lines.slice(1).map((line) => Object.fromEntries(cells(line).map((cell, at) => [names[at], cell])));
  if (!names.includes("id") || !names.includes("answer")) { el("said").textContent = "This file has no answers: expected the columns id and answer."; return; }
  if (rows.some((row) => row.sample && row.sample !== held.sample)) { el("said").textContent = "These answers are of another sample."; return; }
  const good = rows.filter((row) => known.has(row.id) && kinds.some(([name]) => name === row.answer));
  for (const row of good) { state.answers[row.id] = {answer: row.answer, time_utc: row.time_utc || ""}; }
  if (!state.reviewer && good.length) { state.reviewer = good[0].reviewer || ""; el("reviewer").value = state.reviewer; }
  state.done = [];
  show(state.at, false);
  el("said").textContent = good.length + " answers read.";
}
sound.addEventListener("timeupdate", () => { el("head").style.left = 100 * sound.currentTime / (sound.duration || 1) + "%"; });
for (const name of ["play", "pause", "ended"]) {
  sound.addEventListener(name, () => { el("play").textContent = sound.paused ? "Play (space)" : "Pause (space)"; });
}
el("player").addEventListener("click", toggle);
el("play").addEventListener("click", toggle);
el("previous").addEventListener("click", () => step(-1));
el("next").addEventListener("click", () => step(1));
el("undo").addEventListener("click", undo);
el("export").addEventListener("click", save);
el("import").addEventListener("change", (event) => { const file = event.target.files[0]; if (file) { file.text().then(load); } });
el("reviewer").value = state.reviewer;
el("reviewer").addEventListener("input", () => { state.reviewer = el("reviewer").value; keep(); });
document.addEventListener("keydown", (event) => {
  const typing = event.target === el("reviewer");
  if (typing || event.altKey || event.metaKey) { return; }
  if (event.ctrlKey) { if (event.key === "z") { event.preventDefault(); undo(); } return; }
  if (event.key >= "1" && event.key <= "6") { answer(kinds[Number(event.key) - 1][0]); }
  else if (event.key === " " && event.target.type !== "checkbox") { event.preventDefault(); toggle(); }
  else if (event.key === "ArrowLeft") { step(-1); }
  else if (event.key === "ArrowRight") { step(1); }
  else if (event.key === "u") { undo(); }
});
show(state.at, false);
