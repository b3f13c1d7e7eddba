/** Tells a reasoning model's thoughts from its answer. Pure. */

/** Thoughts after thoughts; more are no model's way of writing. */
const MAX_PASSES = 8;

/** How thoughts are marked: what opens them, and what ends them. */
interface Marks {
  readonly open: RegExp;
  readonly close: RegExp;
}

const MARKS: readonly Marks[] = [
  // DeepSeek, Qwen and most others; Gemma and Gemini's OpenAI API have `thought`.
  {
    open: /^<(?:seed:)?(?:think|thinking|thought|thoughts|reasoning|reflection)>/i,
    close: /<\/(?:seed:)?(?:think|thinking|thought|thoughts|reasoning|reflection)>/i,
  },
  // Mistral.
  { open: /^\[THINK\]/, close: /\[\/THINK\]/ },
  // gpt-oss: channels, and what is left of them where a server drops their marks.
  {
    open: /^(?:<\|start\|>assistant)?<\|channel\|>(?:analysis|commentary)/,
    close: /<\|channel\|>final/,
  },
  { open: /^analysis(?=[\s\S]*assistantfinal)/, close: /assistantfinal/ },
  // Gemma 4.
  { open: /^<\|channel>thought/, close: /<channel\|>/ },
  // Cohere.
  { open: /^<\|START_THINKING\|>/, close: /<\|END_THINKING\|>/ },
  // Kimi.
  { open: /^◁think▷/, close: /◁\/think▷/ },
];

interface Thoughtful {
  readonly thoughts: string;
  /** Empty if the model never came to one. */
  readonly answer: string;
}

/**
 * Splits what a model wrote. Thoughts are in front of the answer and hold drafts of it; without an end
 * all of it is thoughts.
 */
export function splitThoughts(text: string): Thoughtful {
  let answer = text.trim();
  const thoughts: string[] = [];
  for (let passes = 0; passes < MAX_PASSES; passes++) {
    const marks = MARKS.find(({ open }) => open.test(answer));
    if (marks === undefined) break;
    const inside = answer.replace(marks.open, "");
    const end = marks.close.exec(inside);
    thoughts.push(inside.slice(0, end?.index));
    answer = end === null ? "" : inside.slice(end.index + end[0].length).trim();
  }
  // Qwen's template opens them in the prompt, so that what comes has but their end.
  const ends = /^[{[`]/.test(answer)
    ? []
    : MARKS.map(({ close }) => close.exec(answer)).filter((end) => end !== null);
  const [first] = ends.toSorted((a, b) => a.index - b.index);
  if (first !== undefined) {
    thoughts.push(answer.slice(0, first.index));
    answer = answer.slice(first.index + first[0].length).trim();
  }
  return { thoughts: thoughts.join("\n").trim(), answer };
}
