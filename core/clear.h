/* What may become of a store as a whole: of the half of a pair whose log is replaced by a copy. */
#ifndef CORE_CLEAR_H
#define CORE_CLEAR_H

/* What a store is kept as that was served here, and gives its place to a copy. */
enum ms_aside {
    MS_ASIDE_MERGED,   /* the other half has everything of it */
    MS_ASIDE_UNMERGED, /* not all of it: nobody but people removes it */
    MS_ASIDES,
};

/* A copy is taken beside what is there, which a crash at any moment leaves as it was, until the copy takes its place. */
enum ms_clear {
    MS_CLEAR_ALL, /* the store in use is emptied: the one that is beside another, if there is one */
    MS_CLEAR_BESIDE, /* an empty one is used from now on, and the present one stays, unused */
    MS_CLEAR_ADOPT,  /* the one in use takes the place of that */
    MS_CLEAR_REVERT, /* the one in use is given up, and that is used again */
    MS_CLEARS,
};

#endif
