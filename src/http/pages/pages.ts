import express, { type Response, Router } from 'express';
import { z } from 'zod';
import type { ApartReason } from '../../results/apart-reason.ts';
import { earlierAnswer } from '../../store/arrivals/earlier-searches.ts';
import { outgoingOfStudy } from '../../store/exchange/outgoing.ts';
import { ordersOfStudy } from '../../store/orders/performed-orders.ts';
import { cohortChoices, cohortPage, cohortSummary } from '../../store/records/cohort.ts';
import { findStudies, findStudyListing } from '../../store/records/find-studies.ts';
import { listStudies } from '../../store/records/listed-studies.ts';
import { findPatient } from '../../store/records/patient-record.ts';
import { qualityBetween } from '../../store/records/quality.ts';
import { patientTrends } from '../../store/records/trends.ts';
import type { VolumeRecord } from '../../store/records/volume-record.ts';
import type { ApiParts } from '../api/api-parts.ts';
import { chosenColumns, cohortFilter, cohortQuery } from '../api/cohort-query.ts';
import { uidSchema } from '../api/operation.ts';
import { patientKeySchema } from '../api/patients.ts';
import { filterOf, searchedIn, studyQuery } from '../api/study-filter.ts';
import { html } from '../html.ts';
import { HttpError } from '../http-error.ts';
import { mayAct, type Principal, type Role } from '../security/principal.ts';
import { cohortBody, USUAL_COLUMNS } from './cohort.ts';
import { COHORT_TEXTS } from './cohort-texts.ts';
import { dashboardBody } from './dashboard.ts';
import { address, type DashboardQuery } from './dashboard-address.ts';
import { type PageContent, page } from './layout.ts';
import { patientBody } from './patient.ts';
import { isOver, processAgainBody } from './process-again.ts';
import { monthOf, qualityBody } from './quality.ts';
import { SealedWords } from './sealed-words.ts';
import { studyBody } from './study.ts';
import { TEXTS } from './texts.ts';

const PAGE_SIZE = 50;
/** Studies that one click puts in the queue. */
const MOST_AT_ONCE = 1_000;
const MAX_FORM_BYTES = 4_096;
const monthSchema = z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/, { error: 'is not a month such as 2026-03' });
/** The volume before which a page of the cohort begins. */
const cohortPlace = z.object({ before: z.coerce.number().int().min(0).max(2_147_483_647).optional() });
const resultSchema = z.object({ result: z.string().max(64).optional() });

/** What people see. The pages work without script; with it they follow the work. */
export function pageRoutes(parts: ApiParts): Router {
  const router = Router();
  const { database, basePath, now, pages } = parts;
  const send = (response: Response, content: PageContent, status = 200) => {
    const { principal } = response.locals;
    const frame = { basePath, researchOnly: pages.researchOnly, version: pages.version, principal };
    // What is on a page changes, and names patients.
    response.status(status).set('Cache-Control', 'no-store').type('html').send(page(frame, content));
  };

  const sealed = new SealedWords();
  const form = express.urlencoded({ extended: false, limit: MAX_FORM_BYTES });
  /** The same list, at an address that names nobody. */
  const showFound = (response: Response, asked: unknown) => {
    const query = dashboardQuery(asked);
    const search = query.words && sealed.seal(query.words);
    response.locals.searched = searchedIn({ ...query, search: '' });
    response.set('Cache-Control', 'no-store').redirect(303, address(basePath, { ...query, search }));
  };
  /** What an address or a form asks for, its words unsealed. */
  const opened = (asked: Readonly<Record<string, unknown>>): DashboardQuery => {
    const { search } = asked;
    const words = typeof search === 'string' ? sealed.open(search) : undefined;
    return {
      ...dashboardQuery({ ...asked, words: words ?? '' }),
      ...(typeof search === 'string' && words !== undefined ? { search } : {}),
    };
  };
  router.post('/', form, (request, response) => showFound(response, request.body));
  router.get('/', async (request, response) => {
    const { words } = request.query;
    // A link of the days when words stood in addresses.
    if (typeof words === 'string' && words !== '') return showFound(response, request.query);
    const query = opened(request.query);
    response.locals.searched = searchedIn({ ...query, search: '' });
    const filter = filterOf(studyQuery.parse({ ...query, limit: PAGE_SIZE }), now());
    const found = await findStudies(database, filter, {
      limit: PAGE_SIZE,
      offset: query.offset,
      after: query.after,
    });
    const health = await parts.health();
    const body = dashboardBody({
      found,
      query,
      pageSize: PAGE_SIZE,
      health,
      tries: await parts.tries(found.studies.map(({ study }) => study.studyInstanceUid)),
      basePath,
      mayAct: holds(response, 'operator'),
    });
    send(response, { title: TEXTS.dashboard.title, current: 'studies', body, scripts: ['live'] });
  });

  router.get('/process-again', async (request, response) => {
    if (!holds(response, 'operator')) throw new HttpError('FORBIDDEN', 'this needs the role operator');
    const query = opened(request.query);
    response.locals.searched = searchedIn({ ...query, search: '' });
    const filter = filterOf(studyQuery.parse({ ...query, limit: PAGE_SIZE }), now());
    const { total } = await findStudies(database, filter, { limit: 1, offset: 0 });
    send(response, {
      title: TEXTS.dashboard.processAllTitle,
      current: 'studies',
      body: processAgainBody({ query, total, most: MOST_AT_ONCE, basePath }),
    });
  });
  router.post('/process-again', form, async (request, response) => {
    const query = opened(request.body ?? {});
    // A list without a state would hold what waits or runs.
    if (!isOver(query.state)) throw new HttpError('BAD_REQUEST', 'name a state: done, skipped or failed');
    const filter = filterOf(studyQuery.parse({ ...query, limit: PAGE_SIZE }), now());
    const { uids } = await listStudies(database, filter, { limit: MOST_AT_ONCE, offset: 0 });
    for (const uid of uids) await parts.process(uid);
    response.redirect(303, address(basePath, { ...query, state: '', offset: 0, after: '' }));
  });

  router.get('/studies/:uid', async (request, response) => {
    const uid = uidSchema.safeParse(request.params.uid);
    const listing = uid.success ? await findStudyListing(database, uid.data) : undefined;
    if (!listing) return notFound(send, response, basePath);
    const { result } = resultSchema.parse(request.query);
    const { volumes } = listing;
    const shown =
      volumes.find(({ report }) => report.sopInstanceUid === result) ??
      volumes.find(({ seg, withdrawn }) => seg && !withdrawn) ??
      volumes[0];
    const body = studyBody({
      listing,
      orders: await ordersOfStudy(database, listing.study.studyInstanceUid),
      outgoing: await outgoingOfStudy(database, listing.study.studyInstanceUid),
      shown,
      apart: shown && (await apartReason(parts, shown)),
      meaning: parts.meaning,
      notice: shown && (await parts.modelNotice(shown.model)),
      basePath,
      tries: (await parts.tries([listing.study.studyInstanceUid])).get(listing.study.studyInstanceUid),
      mayAct: holds(response, 'operator'),
      mayReview: holds(response, 'reviewer'),
      rejectionNotes: parts.withdraw !== undefined,
      viewerUrl: viewerAddress(parts, listing.study.studyInstanceUid),
    });
    send(response, {
      title: TEXTS.study.title,
      current: 'studies',
      body,
      scripts: shown ? ['live', 'study-images'] : ['live'],
    });
  });

  router.get('/patients/:key', async (request, response) => {
    const key = patientKeySchema.safeParse(request.params.key);
    const patient = key.success ? await findPatient(database, key.data) : undefined;
    if (!patient) return notFound(send, response, basePath);
    const trends = patientTrends(patient, parts.trends, await parts.modelHashesInUse?.());
    const withReference =
      pages.referenceRange !== 'none' &&
      patient.volumes.some((volume) => volume.class === 'CT') &&
      isOfReferenceAge(patient.headers.values());
    send(response, {
      title: TEXTS.patient.title,
      current: 'studies',
      body: patientBody({
        patient,
        trends,
        basePath,
        withReference,
        meaning: parts.meaning,
        earlier: await earlierAnswer(database, patient.patientKey),
      }),
      scripts: ['uplot', 'volume-chart'],
    });
  });

  router.get('/cohort', async (request, response) => {
    const query = understood(cohortQuery, request.query);
    const { before } = understood(cohortPlace, request.query);
    const filter = cohortFilter(query);
    const modelsInUse = await parts.modelHashesInUse?.();
    // One more than is shown tells whether there are more.
    const found = await cohortPage(database, filter, { limit: PAGE_SIZE + 1, before }, modelsInUse);
    const naming = pages.cohortPatient;
    const body = cohortBody({
      query,
      rows: found.slice(0, PAGE_SIZE),
      hasMore: found.length > PAGE_SIZE,
      isLater: before !== undefined,
      summary: await cohortSummary(database, filter, { ...parts.trends, modelsInUse }),
      choices: await cohortChoices(database),
      columns: chosenColumns({ ...query, columns: query.columns ?? [...USUAL_COLUMNS] }, naming),
      naming,
      basePath,
    });
    const title = COHORT_TEXTS.title;
    send(response, { title, current: 'cohort', body, scripts: ['uplot', 'cohort-chart'] });
  });

  router.get('/quality', async (request, response) => {
    const month = monthSchema.catch(monthOf(now())).parse(request.query['month']);
    const [year = 0, number = 1] = month.split('-').map(Number);
    const quality = await qualityBetween(database, new Date(year, number - 1, 1), new Date(year, number, 1));
    send(response, {
      title: TEXTS.qualityPage.title,
      current: 'quality',
      body: qualityBody(quality, month, basePath),
    });
  });

  router.get('/candidates', async (_request, response) => {
    send(response, { ...(await parts.candidates.page()), current: 'candidates' });
  });
  return router;
}

/** Why the study of a volume is not compared with others of its patient key. */
async function apartReason(
  { database, trends }: ApiParts,
  { patientKey, studyInstanceUid }: VolumeRecord,
): Promise<ApartReason | undefined> {
  const patient = await findPatient(database, patientKey);
  const { notCompared } = patient ? patientTrends(patient, trends) : { notCompared: [] };
  return notCompared.find((one) => one.studyInstanceUid === studyInstanceUid)?.reason;
}

function notFound(
  send: (response: Response, content: PageContent, status: number) => void,
  response: Response,
  basePath: string,
): void {
  const { title, text, home } = TEXTS.notFound;
  const body = html`<h1>${title}</h1><p>${text} <a href="${basePath}/">${home}</a></p>`;
  send(response, { title, body }, 404);
}

/** Of what an address asks for, the fields that are understood: a faulty one counts as left out. */
function understood<Form extends z.ZodObject>(form: Form, asked: unknown): z.output<Form> {
  const { error } = form.safeParse(asked);
  const faulty = new Set(error?.issues.map(({ path: [name] }) => name));
  const rest = Object.entries(asked ?? {}).filter(([name]) => !faulty.has(name));
  return form.parse(Object.fromEntries(rest));
}

/** A faulty filter shows everything instead of an error, and the fields show what was understood. */
function dashboardQuery(asked: unknown): DashboardQuery {
  const query = { ...studyQuery.parse({}), ...studyQuery.partial().safeParse(asked).data };
  const date = (day: string | undefined) => (day ?? '').replace(/^(\d{4})(\d\d)(\d\d)$/, '$1-$2-$3');
  return {
    when: query.when === 'all' ? 'all' : 'today',
    state: query.state ?? '',
    class: query.class ?? '',
    words: query.words ?? '',
    search: '',
    from: date(query.from),
    to: date(query.to),
    offset: query.offset ?? 0,
    after: query.after ?? '',
  };
}

function holds(response: Response, role: Role): boolean {
  const principal: Principal | undefined = response.locals.principal;
  return principal !== undefined && mayAct(principal, role);
}

function viewerAddress({ pages }: ApiParts, studyInstanceUid: string): string | undefined {
  return pages.viewerUrl?.replaceAll('{studyInstanceUid}', encodeURIComponent(studyInstanceUid));
}

/** The reference covers adults of 20 to 60 years. */
const REFERENCE_AGE = { least: 20, most: 60 } as const;

function isOfReferenceAge(headers: Iterable<{ birthDate: string | undefined; studyDate: string }>): boolean {
  const ages = [...headers].map(({ birthDate, studyDate }) => ageAt(birthDate ?? '', studyDate));
  return ages.length > 0 && ages.every((age) => age >= REFERENCE_AGE.least && age <= REFERENCE_AGE.most);
}

/** In whole years; NaN where a date (DA) is none. */
function ageAt(birthDate: string, date: string): number {
  if (!/^\d{8}$/.test(birthDate) || !/^\d{8}$/.test(date)) return Number.NaN;
  return Math.floor((Number(date) - Number(birthDate)) / 10_000);
}
