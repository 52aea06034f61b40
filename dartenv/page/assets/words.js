"use strict";
// Language and theme. What is chosen is remembered where the browser lets a file remember.
const page = JSON.parse(document.getElementById("data").textContent);

const remember = (key, value) => { try { localStorage.setItem("dartenv." + key, value); } catch (error) { /* a file in a mail has no storage */ } };
const recall = (key) => { try { return localStorage.getItem("dartenv." + key); } catch (error) { return null; } };

let language = recall("language") || (navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en");
const say = (key) => page.words[key][language === "zh" ? 1 : 0];

function speak(next) {
  language = next;
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const element of document.querySelectorAll("[data-w]")) element.textContent = say(element.dataset.w);
  document.dispatchEvent(new CustomEvent("spoken"));
}

function dress(theme) {
  document.documentElement.dataset.theme = theme;
  document.dispatchEvent(new CustomEvent("dressed"));
}

const prefersDark = () => matchMedia("(prefers-color-scheme: dark)").matches;
const isDark = () => (document.documentElement.dataset.theme || (prefersDark() ? "dark" : "light")) === "dark";
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();

document.getElementById("language").addEventListener("click", () => {
  speak(language === "zh" ? "en" : "zh");
  remember("language", language);
});
document.getElementById("theme").addEventListener("click", () => {
  const next = isDark() ? "light" : "dark";
  dress(next);
  remember("theme", next);
});
if (recall("theme")) dress(recall("theme"));
speak(language);
