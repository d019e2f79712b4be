/** A page of `docs/` as something to be done: the files that it shows, and the commands that it gives, in order. */

/** A file to write, or a command to run and how it must end. */
export type Step =
  | { readonly file: string; readonly text: string }
  | { readonly command: string; readonly exitCode: number };

const BLOCK = /^```(ts|yaml|sh)\n([^]*?)^```$/gm;

/** A block of code that begins with a comment with its name is a file; a command may end in `# exit code 1`. */
export function stepsOf(page: string): readonly Step[] {
  return [...page.matchAll(BLOCK)].flatMap(([, language, text = '']): readonly Step[] => {
    if (language !== 'sh') {
      const file = /^(?:\/\/|#) ([\w.-]+\.\w+)\b/.exec(text)?.[1];
      return file === undefined ? [] : [{ file, text }];
    }
    return text
      .trim()
      .split('\n')
      .map((line) => {
        const [, command = '', exitCode = '0'] = /^(.*?)(?: # exit code (\d+))?$/.exec(line) ?? [];
        return { command, exitCode: Number(exitCode) };
      });
  });
}

/** Blocks of YAML that are parts of a file. */
export const fragmentsOf = (page: string): readonly string[] =>
  [...page.matchAll(BLOCK)].flatMap(([, language, text = '']) =>
    language === 'yaml' && !/^# [\w.-]+\.\w+\b/.test(text) ? [text] : [],
  );
