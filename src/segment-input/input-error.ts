/** The input of a command cannot be used. */
export class InputError extends Error {
  override readonly name = 'InputError';
  readonly code: 'INPUT_MISSING' | 'INPUT_SERIES' | 'INPUT_ORIENTATION' | 'INPUT_OVERWRITTEN';

  constructor(code: InputError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
