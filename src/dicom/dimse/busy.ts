import { DimseStatusError, isOutOfResources, STATUS } from './services/status.ts';
import { AssociationRejected } from './wire/association.ts';

/** Whether the archive has no room now, which says nothing of what it can do. */
export function isBusy(error: unknown): boolean {
  if (error instanceof DimseStatusError)
    return isOutOfResources(error.dimseStatus) || error.dimseStatus === STATUS.limitedResources;
  return error instanceof Error && error.cause instanceof AssociationRejected && error.cause.isTransient;
}
