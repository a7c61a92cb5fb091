import { z } from 'zod';
import { errorAnswerSchema } from './answers.ts';
import type { Operation } from './operation.ts';

/** What every request may meet. */
const COMMON_ERRORS = ['BAD_REQUEST', 'UNAUTHENTICATED', 'FORBIDDEN'];
const STATUS: Readonly<Record<string, number>> = {
  BAD_REQUEST: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  UNAVAILABLE: 503,
};

/** The API as an OpenAPI 3.1 document. */
export function openApiDocument(
  operations: readonly Operation[],
  { version, basePath }: { version: string; basePath: string },
): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of operations) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: described(operation) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'pansegnet-node',
      version,
      description: 'Studies, pancreas volumes and their history. For research use only.',
    },
    servers: [{ url: `${basePath}/api` }],
    security: [{ bearer: [] }, {}],
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: { Error: z.toJSONSchema(errorAnswerSchema, { io: 'input' }) },
    },
  };
}

function described({ path, summary, query, body, answer, errors = [] }: Operation): object {
  const parameters = [
    ...[...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
      name,
      in: 'path',
      required: true,
      schema: { type: 'string' },
    })),
    ...(query ? queryParameters(query) : []),
  ];
  const schema = body && z.toJSONSchema(body, { io: 'input' });
  return {
    summary,
    parameters,
    ...(schema
      ? {
          requestBody: {
            required: true,
            content: { 'application/json': { schema }, 'application/x-www-form-urlencoded': { schema } },
          },
        }
      : {}),
    responses: {
      [answer.status]: { description: answer.description, ...content(answer) },
      ...Object.fromEntries(
        [...COMMON_ERRORS, ...errors].map((code) => [STATUS[code] ?? 500, refusal(code)]),
      ),
    },
  };
}

function content({ schema, type = 'application/json' }: Operation['answer']): object {
  if (schema) return { content: { [type]: { schema: z.toJSONSchema(schema) } } };
  return type === 'application/json' ? {} : { content: { [type]: {} } };
}

const refusal = (code: string): object => ({
  description: code,
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
});

function queryParameters(query: z.ZodObject): object[] {
  const { properties = {} } = z.toJSONSchema(query, { io: 'input' });
  return Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', required: false, schema }));
}
