/** One module that a file imports or re-exports from. */
export interface ImportedModule {
  readonly specifier: string;
  /** Nothing of it is there at run time. */
  readonly isTypeOnly: boolean;
  /** From 1. */
  readonly line: number;
}

const IMPORT =
  /\b(import|export)\b(\s+type\b)?([^'"`;()=]*?)\bfrom\s*(['"])([^'"\n]+)\4|\bimport\s*\(?\s*(['"])([^'"\n]+)\6/g;

/** The modules that TypeScript source names, in order. */
export function importsOf(text: string): ImportedModule[] {
  const code = withoutComments(text);
  return [...code.matchAll(IMPORT)].map((match) => ({
    specifier: (match[5] ?? match[7]) as string,
    isTypeOnly: match[5] !== undefined && (match[2] !== undefined || namesOnlyTypes(match[3] ?? '')),
    line: code.slice(0, match.index).split('\n').length,
  }));
}

function namesOnlyTypes(clause: string): boolean {
  const names = /^\s*\{([^}]*)\}\s*$/.exec(clause)?.[1];
  if (names === undefined) return false;
  const all = names
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  return all.length > 0 && all.every((name) => name.startsWith('type '));
}

/** The same text, of the same length and lines, with comments blank. */
function withoutComments(text: string): string {
  return blank(text, false);
}

/** The same text with comments and the insides of strings, templates and regular expressions blank. */
export function codeOnly(text: string): string {
  return blank(text, true);
}

const TOKEN =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`|(?<=(?:^|[=(,:[!&|?{};\n+]|=>|return)\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[dgimsuvy]*/g;

function blank(text: string, insides: boolean): string {
  return text.replace(TOKEN, (token) => {
    if (token.startsWith('//') || token.startsWith('/*')) return token.replace(/[^\n]/g, ' ');
    if (!insides) return token;
    if (token.startsWith('`')) return blankTemplate(token);
    return token[0] + token.slice(1, -1).replace(/[^\n]/g, ' ') + token.at(-1);
  });
}

/** Keeps what stands in `${…}`: it is code. */
function blankTemplate(token: string): string {
  let result = '';
  let last = 0;
  for (const match of token.matchAll(/\$\{[^{}`]*\}/g)) {
    result += token.slice(last, match.index).replace(/[^\n]/g, ' ') + match[0];
    last = match.index + match[0].length;
  }
  return result + token.slice(last).replace(/[^\n]/g, ' ');
}
