import type { Request, Response } from 'express';
import { findStudies, findStudyListing, type StudyListing } from '../../store/records/find-studies.ts';
import { HttpError } from '../http-error.ts';
import { queuedAnswer, studiesAnswer, studyAnswer } from './answers.ts';
import type { ApiParts } from './api-parts.ts';
import { type Operation, uidSchema } from './operation.ts';
import { filterOf, studyQuery } from './study-filter.ts';

export function studyOperations({ database, process, now, basePath }: ApiParts): Operation[] {
  return [
    {
      method: 'get',
      path: '/studies',
      summary: 'Studies that the node has seen; those whose state changed last come first',
      query: studyQuery,
      answer: { status: 200, description: 'one page of them', schema: studiesAnswer },
      handle: async (request, response) => {
        const query = studyQuery.parse(request.query);
        const { studies, total, states } = await findStudies(database, filterOf(query, now()), query);
        response.json({ studies: studies.map(shown), total, states });
      },
    },
    {
      method: 'get',
      path: '/studies/{uid}',
      summary: 'One study',
      answer: { status: 200, description: 'all that is known of it', schema: studyAnswer },
      errors: ['NOT_FOUND'],
      handle: async (request, response) => {
        const listing = await findStudyListing(database, uidSchema.parse(request.params['uid']));
        if (!listing) throw new HttpError('NOT_FOUND', 'the node has not seen this study');
        response.json(shown(listing));
      },
    },
    {
      method: 'post',
      path: '/studies/{uid}/process',
      summary: 'Process a study again',
      answer: { status: 202, description: 'it is in the queue', schema: queuedAnswer },
      handle: async (request, response) => {
        const uid = uidSchema.parse(request.params['uid']);
        await process(uid);
        if (sentByForm(request)) backTo(response, `${basePath}/studies/${uid}`);
        else response.status(202).json({ status: 'queued' });
      },
    },
  ];
}

/** Without what only the node needs. */
function shown({ header, ...listing }: StudyListing): object {
  if (!header) return listing;
  const { birthDateKey: _birthDateKey, ...known } = header;
  return { ...listing, header: known };
}

/** A page without script sends a form and wants a page back. */
export const sentByForm = (request: Request): boolean => request.accepts(['json', 'html']) === 'html';

/** 303: the browser fetches that page, and a reload sends nothing again. */
export function backTo(response: Response, path: string): void {
  response.redirect(303, path);
}
