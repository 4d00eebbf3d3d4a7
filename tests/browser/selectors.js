// How tests find the parts of the demo: by the names that stay when it is marked up anew.

/** The selector of a part. */
export const part = (name) => `[part~="${name}"]`;
