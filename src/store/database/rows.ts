import { z } from 'zod';

/**
 * What a query selects for rows of a form: the column of each field under the field's name (`study_date AS
 * "studyDate"`).
 */
export function columnsOf(form: z.ZodObject): string {
  return Object.keys(form.shape)
    .map((field) => {
      const column = field.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      return column === field ? field : `${column} AS "${field}"`;
    })
    .join(', ');
}

/** @throws ZodError for rows of another program */
export const rowsOf = <Form extends z.ZodType>(form: Form, rows: readonly unknown[]): z.output<Form>[] =>
  z.array(form).parse(rows);

/** A value that may be NULL, and is undefined then. */
export const orUndefined = <Value extends z.ZodType>(value: Value) =>
  value.nullable().transform((one): z.output<Value> | undefined => one ?? undefined);
