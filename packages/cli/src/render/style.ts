export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

const CODES: Readonly<Record<Style, readonly [on: number, off: number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
};

/** Puts text in a style, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string;

export function paintFor(hasColour: boolean): Paint {
  if (!hasColour) return (_style, text) => text;
  return (style, text) => {
    const [on, off] = CODES[style];
    return `\u001b[${on}m${text}\u001b[${off}m`;
  };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with an escape character
const COLOUR = /\u001b\[\d+m/g;

/** Columns that the text takes. */
export function widthOf(text: string): number {
  return text.replace(COLOUR, '').length;
}

/** At most `columns` wide; what is cut off is shown as `…`. Colours stay whole. */
export function fitted(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let result = '';
  let width = 0;
  let last = 0;
  let isCut = false;
  const take = (part: string): void => {
    const room = columns - 1 - width;
    if (part.length > room) isCut = true;
    if (room > 0) result += part.slice(0, room);
    width += Math.min(part.length, Math.max(room, 0));
  };
  for (const match of text.matchAll(COLOUR)) {
    take(text.slice(last, match.index));
    result += match[0];
    last = match.index + match[0].length;
  }
  take(text.slice(last));
  return isCut ? insertCut(result) : result;
}

/** The mark goes before the colours that end the line. */
function insertCut(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: as above
  const tail = /(?:\u001b\[\d+m)*$/.exec(text)?.[0] ?? '';
  return `${text.slice(0, text.length - tail.length)}…${tail}`;
}
