import { z } from 'zod';

/** How a field of a command's options is written on the command line. */
interface FieldSyntax {
  readonly kind: 'option' | 'argument';
  /** `--study <uid>`, `<name>` or `[name]`. */
  readonly syntax: string;
  readonly help: string;
}

const SYNTAX = z.registry<FieldSyntax>();

function written<Schema extends z.ZodType>(schema: Schema, syntax: FieldSyntax): Schema {
  // A copy, for one schema may serve several fields.
  const field = schema.clone();
  SYNTAX.add(field, syntax);
  return field;
}

/** An option with a value; it may be left out where the schema takes undefined. */
export const option = <Schema extends z.ZodType>(syntax: string, help: string, schema: Schema): Schema =>
  written(schema, { kind: 'option', syntax, help });

/** An option without a value. */
export const flag = (syntax: string, help: string) => option(syntax, help, z.boolean().default(false));

/** What stands by its place. */
export const argument = <Schema extends z.ZodType>(syntax: string, help: string, schema: Schema): Schema =>
  written(schema, { kind: 'argument', syntax, help });

export const requiredText = z.string();
export const optionalText = z.string().optional();

export const jsonFlag = flag('--json', 'print JSON');

export interface Field extends FieldSyntax {
  readonly name: string;
  /** False where something must be given. */
  readonly isOptional: boolean;
  /** What it is where nothing is given. */
  readonly absent: unknown;
  /** Where it is one of some words. */
  readonly choices: readonly string[] | undefined;
}

/** The fields of a command's options, in their order. */
export function fieldsOf(options: z.ZodObject): Field[] {
  return Object.entries(options.shape).map(([name, schema]) => {
    const syntax = SYNTAX.get(schema);
    if (!syntax) throw new TypeError(`the option ${name} is made by none of option, flag and argument`);
    const absent = z.safeParse(schema, undefined);
    return { ...syntax, name, isOptional: absent.success, absent: absent.data, choices: choicesOf(schema) };
  });
}

function choicesOf(schema: z.core.$ZodType): string[] | undefined {
  if (schema instanceof z.ZodEnum) return schema.options.map(String);
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) return choicesOf(schema.unwrap());
  return undefined;
}
