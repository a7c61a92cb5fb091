import { ArchiveError } from './archive-error.ts';
import { attributeOf, type JsonDataset, type JsonElement } from './dicom-json.ts';
import type { IndexedInstance, InstanceIndex } from './instance-index.ts';
import { matches } from './matching.ts';
import { INSTANCE_TAGS, SERIES_TAGS, STUDY_TAGS } from './search-attributes.ts';

const SEARCH_LEVELS = ['studies', 'series', 'instances'] as const;
export type SearchLevel = (typeof SEARCH_LEVELS)[number];

/** Where the search happens: everywhere, in a study, in a series. */
export interface SearchScope {
  readonly studyUid?: string | undefined;
  readonly seriesUid?: string | undefined;
}

export interface SearchResult {
  readonly datasets: readonly JsonDataset[];
  /** Parts of the query that were not done as asked, for the Warning header (PS3.18 8.3.4.1). */
  readonly warnings: readonly string[];
}

const MODALITIES_IN_STUDY = '00080061';

/** Attributes that may be matched: those of the level and of the levels above it. */
const MATCHED_TAGS: Readonly<Record<SearchLevel, ReadonlySet<string>>> = {
  studies: new Set([...STUDY_TAGS, MODALITIES_IN_STUDY]),
  series: new Set([...STUDY_TAGS, MODALITIES_IN_STUDY, ...SERIES_TAGS]),
  instances: new Set([...STUDY_TAGS, MODALITIES_IN_STUDY, ...SERIES_TAGS, ...INSTANCE_TAGS]),
};

interface Query {
  readonly matching: ReadonlyMap<string, string>;
  readonly limit: number;
  readonly offset: number;
  readonly warnings: readonly string[];
}

/**
 * QIDO-RS (PS3.18 10.6). Results are in the order of their UIDs, so that pages fit together.
 * @param baseUrl root of the service, for RetrieveURL
 * @throws ArchiveError ARCHIVE_QUERY
 */
export function search(
  index: InstanceIndex,
  level: SearchLevel,
  scope: SearchScope,
  parameters: URLSearchParams,
  baseUrl: string,
): SearchResult {
  const query = parseQuery(level, parameters);
  const found = candidates(index, level, scope, baseUrl).filter((dataset) =>
    [...query.matching].every(([tag, value]) => matches(dataset[tag], value)),
  );
  return {
    datasets: found.slice(query.offset, query.offset + query.limit),
    warnings: query.warnings,
  };
}

function parseQuery(level: SearchLevel, parameters: URLSearchParams): Query {
  const matching = new Map<string, string>();
  const warnings: string[] = [];
  for (const [name, value] of parameters) {
    if (['limit', 'offset', 'includefield'].includes(name)) continue;
    if (name === 'fuzzymatching') {
      if (value === 'true')
        warnings.push('fuzzymatching is not supported; names were matched as they are written');
      continue;
    }
    const tag = queriedTag(name);
    if (matching.has(tag)) throw queryError(`"${name}" is given twice`);
    if (MATCHED_TAGS[level].has(tag)) matching.set(tag, value);
    else warnings.push(`${tag} is not matched on ${level}`);
  }
  return {
    matching,
    limit: naturalNumber(parameters, 'limit') ?? Number.POSITIVE_INFINITY,
    offset: naturalNumber(parameters, 'offset') ?? 0,
    warnings,
  };
}

/** An attribute's tag, from a tag, a keyword, or the path of one in a sequence (which is never matched). */
function queriedTag(name: string): string {
  const tags = name.split('.').map((part) => {
    const tag = /^[0-9a-f]{8}$/i.test(part) ? part.toUpperCase() : attributeOf(part)?.tag;
    if (tag === undefined)
      throw queryError(`"${name.slice(0, 80)}" is neither a parameter nor a DICOM attribute`);
    return tag;
  });
  return tags.join('.');
}

function naturalNumber(parameters: URLSearchParams, name: string): number | undefined {
  const value = parameters.get(name);
  if (value === null) return undefined;
  if (!/^[0-9]{1,9}$/.test(value)) throw queryError(`${name} has to be a whole number of 0 or more`);
  return Number(value);
}

function queryError(message: string): ArchiveError {
  return new ArchiveError('ARCHIVE_QUERY', 400, message);
}

function candidates(
  index: InstanceIndex,
  level: SearchLevel,
  scope: SearchScope,
  baseUrl: string,
): JsonDataset[] {
  const studies = scope.studyUid === undefined ? index.studyUids() : [scope.studyUid];
  return studies.flatMap((studyUid) => {
    const study = studyResult(index, studyUid, baseUrl);
    if (!study) return [];
    if (level === 'studies') return [study];
    const seriesUids = scope.seriesUid === undefined ? index.seriesUids(studyUid) : [scope.seriesUid];
    return seriesUids.flatMap((seriesUid) => {
      const instances = index.instances(studyUid, seriesUid);
      const series = seriesResult(instances, study, baseUrl);
      if (!series) return [];
      return level === 'series' ? [series] : instances.map((one) => instanceResult(one, series, baseUrl));
    });
  });
}

function studyResult(index: InstanceIndex, studyUid: string, baseUrl: string): JsonDataset | undefined {
  const instances = index.instances(studyUid);
  const [first] = instances;
  if (!first) return undefined;
  const modalities = new Set(
    instances.flatMap((instance) => instance.attributes['00080060']?.Value ?? []).map(String),
  );
  return {
    ...common(`${baseUrl}/studies/${studyUid}`),
    ...pick(first, STUDY_TAGS),
    [MODALITIES_IN_STUDY]: { vr: 'CS', Value: [...modalities].toSorted() },
    '00201206': { vr: 'IS', Value: [index.seriesUids(studyUid).length] }, // NumberOfStudyRelatedSeries
    '00201208': { vr: 'IS', Value: [instances.length] }, // NumberOfStudyRelatedInstances
  };
}

function seriesResult(
  instances: readonly IndexedInstance[],
  study: JsonDataset,
  baseUrl: string,
): JsonDataset | undefined {
  const [first] = instances;
  if (!first) return undefined;
  return {
    ...study,
    ...common(`${baseUrl}/studies/${first.studyUid}/series/${first.seriesUid}`),
    ...pick(first, SERIES_TAGS),
    '00201209': { vr: 'IS', Value: [instances.length] }, // NumberOfSeriesRelatedInstances
  };
}

function instanceResult(instance: IndexedInstance, series: JsonDataset, baseUrl: string): JsonDataset {
  const { studyUid, seriesUid, sopUid } = instance;
  return {
    ...series,
    ...common(`${baseUrl}/studies/${studyUid}/series/${seriesUid}/instances/${sopUid}`),
    ...pick(instance, INSTANCE_TAGS),
  };
}

function common(retrieveUrl: string): JsonDataset {
  return {
    '00080005': { vr: 'CS', Value: ['ISO_IR 192'] }, // SpecificCharacterSet
    '00080056': { vr: 'CS', Value: ['ONLINE'] }, // InstanceAvailability
    '00081190': { vr: 'UR', Value: [retrieveUrl] }, // RetrieveURL
  };
}

/** An attribute that the instance lacks is left out, not returned empty. */
function pick({ attributes }: IndexedInstance, tags: readonly string[]): JsonDataset {
  return Object.fromEntries(
    tags.flatMap((tag): [string, JsonElement][] => {
      const element = attributes[tag];
      return element ? [[tag, element]] : [];
    }),
  );
}
