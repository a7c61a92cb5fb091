/** The wait between two looks for work, which whoever has news ends, also where it has not begun yet. */
export class Pause {
  #isWoken = false;
  #end: () => void = () => undefined;

  /** Before a look: news from now on ends the wait after it. */
  begin(): void {
    this.#isWoken = false;
  }

  wake(): void {
    this.#isWoken = true;
    this.#end();
  }

  async wait(ms: number): Promise<void> {
    if (this.#isWoken) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#end = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
