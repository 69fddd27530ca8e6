/** As much of a terminal as the live screen uses. */
export class Terminal {
  #lines: string[] = [''];
  #row = 0;
  #column = 0;

  /** Without the empty one the cursor stands on. */
  get lines(): string[] {
    return this.#lines.slice(0, -1);
  }

  write(text: string): void {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the language of terminals
    for (const [token] of text.matchAll(/\u001b\[\??\d*[A-Za-z]|\r|\n|[^\u001b\r\n]+/g)) this.#take(token);
  }

  #take(token: string): void {
    if (token === '\r') this.#column = 0;
    else if (token === '\n') this.#down();
    else if (!token.startsWith('\u001b')) this.#print(token);
    else this.#control(token.slice(2, -1), token.at(-1) as string);
  }

  #down(): void {
    this.#row += 1;
    this.#column = 0;
    while (this.#lines.length <= this.#row) this.#lines.push('');
  }

  #print(text: string): void {
    const line = (this.#lines[this.#row] as string).padEnd(this.#column);
    this.#lines[this.#row] = line.slice(0, this.#column) + text + line.slice(this.#column + text.length);
    this.#column += text.length;
  }

  #control(argument: string, name: string): void {
    const line = this.#lines[this.#row] as string;
    if (name === 'A') this.#row = Math.max(this.#row - Number(argument), 0);
    else if (name === 'K') this.#lines[this.#row] = line.slice(0, this.#column);
    else if (name === 'J' && argument === '')
      this.#lines = [...this.#lines.slice(0, this.#row), line.slice(0, this.#column)];
    else if (name !== 'h' && name !== 'l') throw new Error(`this terminal does not know ${name}`);
  }
}
