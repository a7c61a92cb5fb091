import type { Request, Response } from 'express';
import { resendFailed } from '../../store/exchange/outgoing.ts';
import { findStudies, findStudyListing, type StudyListing } from '../../store/records/find-studies.ts';
import { shownVolume } from '../../store/records/shown-volume.ts';
import { HttpError } from '../http-error.ts';
import { queuedAnswer, resentAnswer, studiesAnswer, studyAnswer } from './answers.ts';
import type { ApiParts } from './api-parts.ts';
import { type Operation, uidSchema } from './operation.ts';
import { filterOf, type StudyQuery, searchedIn, studyQuery } from './study-filter.ts';

export function studyOperations({ database, process, now, basePath }: ApiParts): Operation[] {
  const find = async (query: StudyQuery, response: Response): Promise<void> => {
    response.locals.searched = searchedIn(query);
    const { studies, ...counts } = await findStudies(database, filterOf(query, now()), query);
    response.json({ studies: studies.map(shown), ...counts });
  };
  return [
    {
      method: 'get',
      path: '/studies',
      summary: 'Studies that the node has seen; those whose state changed last come first',
      query: studyQuery.omit({ words: true }),
      answer: { status: 200, description: 'one page of them', schema: studiesAnswer },
      handle: async (request, response) => {
        const query = studyQuery.parse(request.query);
        // Addresses are kept by proxies and in histories.
        if (query.words) throw new HttpError('BAD_REQUEST', 'send words in a body: POST /api/studies/search');
        await find(query, response);
      },
    },
    {
      method: 'post',
      path: '/studies/search',
      summary: 'The same, by words that may name a patient',
      body: studyQuery,
      answer: { status: 200, description: 'one page of them', schema: studiesAnswer },
      handle: (request, response) => find(studyQuery.parse(request.body ?? {}), response),
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
    {
      method: 'post',
      path: '/studies/{uid}/send-again',
      summary: 'Send again what other systems refused or did not take',
      answer: { status: 202, description: 'how many messages wait again', schema: resentAnswer },
      handle: async (request, response) => {
        const uid = uidSchema.parse(request.params['uid']);
        const messages = await resendFailed(database, { studyInstanceUid: uid });
        if (sentByForm(request)) backTo(response, `${basePath}/studies/${uid}`);
        else response.status(202).json({ messages });
      },
    },
  ];
}

/** Without what only the node needs. */
function shown({ header, ...known }: StudyListing): object {
  const listing = { ...known, volumes: known.volumes.map(shownVolume) };
  if (!header) return listing;
  const { birthDateKey: _birthDateKey, ...told } = header;
  return { ...listing, header: told };
}

/** A page without script sends a form and wants a page back. */
export const sentByForm = (request: Request): boolean => request.accepts(['json', 'html']) === 'html';

/** 303: the browser fetches that page, and a reload sends nothing again. */
export function backTo(response: Response, path: string): void {
  response.redirect(303, path);
}
