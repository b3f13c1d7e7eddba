import { expect, test } from "bun:test";
import { isPlaceholder } from "./placeholder.ts";

test.each([
  "your_gemini_api_key_here",
  "your_gemini_key",
  "YOUR_API_KEY",
  "your-key",
  "<your key>",
  "[key]",
  "${GEMINI_API_KEY}",
  "$GEMINI_API_KEY",
  "changeme",
  "change-me",
  "insert_key_here",
  "gemini_key_here",
  "xxx",
  "sk-xxxxxxxx",
  "AIzaXXXXXXXX",
  "...",
  "****",
  "none",
  "API_KEY",
])("%s is none", (key) => expect(isPlaceholder(key)).toBe(true));

test.each([
  "AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY",
  "AQ.Ab8RN6Kyour_xxx-here",
  "sk-proj-0a1b2c3d4e5f",
  "sk-marker-7f3c9a1e5b2d",
  "lm-studio",
  "ollama",
  "gsk_yourthing",
  "yourself",
  "xx",
  "k",
  "hunter2",
])("%s may be one", (key) => expect(isPlaceholder(key)).toBe(false));
