import { readdirSync, readFileSync } from "node:fs";
import js from "@eslint/js";

const folder = "connprune/report/html/";
const scripts = readdirSync(folder).filter((name) => name.endsWith(".js"));
const browser = ["clearInterval", "document", "matchMedia", "ResizeObserver", "setInterval"];

// The page's scripts become one text, in which each may use what the others define.
const definedIn = (name) =>
  [...readFileSync(folder + name, "utf8").matchAll(/^(?:const|function) (\w+)/gm)].map(([, defined]) => defined);

export default scripts.map((name) => ({
  ...js.configs.recommended,
  files: [folder + name],
  languageOptions: {
    sourceType: "script",
    globals: Object.fromEntries(
      [...browser, ...scripts.filter((other) => other !== name).flatMap(definedIn)].map((known) => [known, "readonly"]),
    ),
  },
  rules: {
    ...js.configs.recommended.rules,
    "no-unused-vars": ["error", { vars: "local" }],
    "prefer-const": "error",
    eqeqeq: "error",
  },
}));
