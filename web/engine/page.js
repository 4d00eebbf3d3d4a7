// The one number of the ABI that the page counts with before there is an engine.

/** The slots of a page of a cache: KVC_PAGE. */
export const PAGE = 16;
