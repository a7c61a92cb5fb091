import { Option } from 'commander';
import type { Field } from '../definition/field.ts';

/** An option of the command line, whose value goes by the name of its field. */
export class FieldOption extends Option {
  readonly #name: string;

  constructor({ syntax, help, name, isOptional, absent, choices }: Field) {
    super(syntax, help);
    this.#name = name;
    if (choices) this.choices(choices);
    if (!isOptional) this.makeOptionMandatory();
    if (absent !== undefined && absent !== false) this.default(absent);
  }

  override attributeName(): string {
    return this.#name;
  }
}
