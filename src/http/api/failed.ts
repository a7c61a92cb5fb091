import { z } from 'zod';
import { HttpError } from '../http-error.ts';
import { failedAnswer } from './answers.ts';
import type { ApiParts } from './api-parts.ts';
import { type Operation, uidSchema } from './operation.ts';

const pageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(500).default(100),
  offset: z.coerce.number().int().min(0).max(10_000_000).default(0),
});

/** Studies that were given up. To try one again: POST /studies/{uid}/process. */
export function failedOperations({ dead }: ApiParts): Operation[] {
  return [
    {
      method: 'get',
      path: '/failed',
      summary: 'Studies that were given up, the latest first',
      query: pageQuery,
      answer: { status: 200, description: 'one page of them, each with its reason', schema: failedAnswer },
      handle: async (request, response) => {
        response.json({ failed: await dead.list(pageQuery.parse(request.query)) });
      },
    },
    {
      method: 'delete',
      path: '/failed/{uid}',
      summary: 'Forget that a study was given up; it is not tried again',
      answer: { status: 204, description: 'it is forgotten' },
      errors: ['NOT_FOUND'],
      handle: async (request, response) => {
        const found = await dead.drop(uidSchema.parse(request.params['uid']));
        if (!found) throw new HttpError('NOT_FOUND', 'no study with this UID was given up');
        response.status(204).end();
      },
    },
  ];
}
