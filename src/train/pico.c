/* pico.c - words, one a line -> the phonemes that SVOX Pico gives each, as its own ids.
 *
 *     pico FOLDER < words > answers        FOLDER: where its language files are
 *
 * A word is written to the engine as a sentence. What its stages hand to each other goes
 * through picodata_cbPutItem, which the linker puts the function below in place of: it
 * writes the items that hold the phonemes of a word down, and hands them no further, so
 * that nothing is ever spoken. A word without an answer is left out. */
#include <picoapi.h>
#include <picodata.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 256, MEMORY = 4000000 };

static char said[MOST * 16];
static size_t said_length;

pico_status_t __real_picodata_cbPutItem(picodata_CharBuffer buffer,
                                        const picoos_uint8 *item, picoos_uint16 most,
                                        picoos_uint16 *length);
pico_status_t __wrap_picodata_cbPutItem(picodata_CharBuffer buffer,
                                        const picoos_uint8 *item, picoos_uint16 most,
                                        picoos_uint16 *length)
{
    if (item[0] != PICODATA_ITEM_WORDPHON)
        return __real_picodata_cbPutItem(buffer, item, most, length);
    *length = PICODATA_ITEM_HEADSIZE + item[3];
    for (size_t i = PICODATA_ITEM_HEADSIZE; i < *length; i++)
        if (said_length + 8 < sizeof said)
            said_length += (size_t)sprintf(said + said_length, " %d", item[i]);
    return PICO_OK;
}

static void check(pico_Status status, const char *what)
{
    if (status == PICO_OK)
        return;
    fprintf(stderr, "pico: %s failed: %d\n", what, status);
    exit(1);
}

static void add(pico_System system, const char *folder, const char *file)
{
    char path[MOST * 2];
    pico_Char name[PICO_MAX_RESOURCE_NAME_SIZE * 8];
    pico_Resource resource;
    snprintf(path, sizeof path, "%s/%s", folder, file);
    check(pico_loadResource(system, (pico_Char *)path, &resource), path);
    check(pico_getResourceName(system, resource, (char *)name), "its name");
    check(pico_addResourceToVoiceDefinition(system, (pico_Char *)"voice", name), path);
}

/* Text with its 0, of `left` bytes. */
static void say(pico_Engine engine, const char *text, size_t left)
{
    while (left > 0) {
        pico_Int16 taken, bytes, type;
        char sound[1024];
        pico_Status status;
        check(pico_putTextUtf8(engine, (const pico_Char *)text, (pico_Int16)left, &taken),
              "a word");
        text += taken;
        left -= (size_t)taken;
        do
            status = pico_getData(engine, sound, sizeof sound, &bytes, &type);
        while (status == PICO_STEP_BUSY);
    }
}

int main(int n, char **arguments)
{
    static char memory[MEMORY];
    pico_System system;
    pico_Engine engine;
    char word[MOST], text[MOST + 4];
    if (n != 2)
        return 2;
    check(pico_initialize(memory, sizeof memory, &system), "the start");
    check(pico_createVoiceDefinition(system, (pico_Char *)"voice"), "a voice");
    add(system, arguments[1], "en-US_ta.bin");
    add(system, arguments[1], "en-US_lh0_sg.bin");
    check(pico_newEngine(system, (pico_Char *)"voice", &engine), "the engine");
    while (fgets(word, sizeof word, stdin)) {
        word[strcspn(word, "\n")] = 0;
        said_length = 0;
        say(engine, text, (size_t)snprintf(text, sizeof text, "%s.\n", word) + 1);
        if (said_length > 0)
            printf("%s\t%s\n", word, said + 1);
    }
    return 0;
}
