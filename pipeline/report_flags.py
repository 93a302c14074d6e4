"""What the flags of images and tables mean, in words."""

FLAGS = {
    # scale and reading of the file
    "no_scale": "The pixel size is unknown: lengths and areas are missing.",
    "coarse_pixels": "Pixels are coarser than the method was made for: small cells run together.",
    "anisotropic_pixels": "Pixels are not square: areas and shapes are of the mean pixel size.",
    "first_timepoint": "The file holds several time points; the first was measured.",
    "first_frame": "The file holds several pictures; the first was measured.",
    "unlabelled_pages": "The file doesn't say what its pages are: they were taken as channels in "
    "their order.",
    "eight_bit_compressed": "An 8-bit image saved with loss: fine steps of brightness are gone.",
    "eight_bit_export": "An 8-bit export: fine steps of brightness are gone, and its range may "
    "have been stretched.",
    "alpha_dropped": "The image had a transparency channel, which was left out.",
    "cmyk_converted": "The image was in printing colours (CMYK) and was converted to RGB.",
    "palette_converted": "The image was in palette colours and was converted to RGB.",
    "exif_unreadable": "What the camera noted in the file can't be read.",
    "decoder_warning": "The file was read with warnings: it may be damaged.",
    "missing_tiles": "Parts of the image are missing in the file.",
    "unscanned_as_white": "Parts that the scanner left out are shown and measured as white.",
    "same_bytes_as": "The same file, byte for byte, as another image of the assay.",
    # review
    "reviewed": "A reader corrected or confirmed this image: their objects are measured.",
    "review_open": "The reader hasn't accepted the image yet: what was corrected so far counts.",
    "review_stale": "Reviewed, but the image or the options it is measured with changed since: the "
    "program's result stands until the reader carries the review over.",
    "readers_not_settled": "Several readers reviewed this image and their differences aren't "
    "settled: the first reader's corrections count.",
    "partly_not_assessable": "A reader marked a part in which nothing can be judged: it is left "
    "out.",
    # the picture's quality
    "saturated": "Pixels at the upper limit of the camera: the brightest values are cut off.",
    "out_of_focus": "The image looks out of focus.",
    "heavy_glare": "Glare covers much of the tissue; nodules under it can't be seen.",
    "uneven_illumination": "The light falls off over the image: intensities depend on the place.",
    "background_uncertain": "Little of the image is free of cells: the background under them is a "
    "guess.",
    # lungs
    "no_lobe": "No lobe was found in the photograph.",
    "confluent": "Nodules run into one another: their count is a guess.",
    "lobes_doubtful": "Colour and shape tell another number of lobes than the lobe network: "
    "look at the outlines.",
    "cut_off": "A lobe reaches over the photograph's edge: part of it isn't counted.",
    "unusual_colour": "The tissue isn't the yellow of Bouin's fluid (unfixed lung, or a section?): "
    "the count isn't to be trusted.",
    "sixteen_bits": "The photograph has 16 bits a channel: white was taken to be the end of the "
    "range (10, 12, 14 or 16 bits) that holds its brightest pixel.",
    # the ruler
    "millimetre_assumed": "The ruler's ticks are all alike; they were taken as millimetres.",
    "half_millimetre_ticks": "The ruler has half millimetres.",
    "inch_ruler": "The ruler is divided in inches.",
    "uneven_spacing": "The spacing of the ruler's ticks changes along it: the photo was taken "
    "at an angle.",
    "implausible_scale": "The scale that the ruler gives is implausible for such a photograph.",
    # cells and controls
    "no_cells": "No cell was found; this counts as a measurement of zero, and has no score.",
    "no_tissue": "No tissue was found, or none in the regions that were to be measured.",
    "few_cells": "Few cells were found: fractions and means of this image are uncertain.",
    "border_nuclei_dropped": "Nuclei that touch the image's edge were left out, as asked.",
    "channels_look_swapped": "The marker looks like a nuclear stain and the nuclear stain doesn't: "
    "the channels may be swapped.",
    "no_control": "There is no negative control: how much of what is seen is unspecific isn't "
    "known, and no threshold could be taken from one.",
    "few_control_cells": "The negative controls hold few cells: the positive threshold is "
    "uncertain.",
    "one_population": "There is no negative control, and the samples' cells don't fall into "
    "negative and positive ones: no threshold could be set.",
    "control_above_cutoff": "The negative controls reach the first cut-off: brown near it is no "
    "evidence of the marker.",
    # white and stains
    "no_white": "No white was found in the image to take the optical density from.",
    "no_glass": "The field is full of tissue: the white comes from its brightest spots.",
    "uneven_light": "The light is uneven; it was evened out by the image's own glass.",
    "blank_differs": "The blank field doesn't fit the image: the image's glass is brighter.",
    "other_stain": "There is a colour that is neither hematoxylin nor DAB.",
    "pigment": "There is pigment, which looks like DAB.",
    "ink": "There is ink on the tissue.",
    "folds": "The tissue is folded.",
    # whole slides and batches
    "no_pyramid": "The slide holds no reduced copies: its overview was made from all of it.",
    "read_whole": "The file isn't stored in tiles: all of it was read into memory.",
    "bad_tiles": "Tiles of the slide can't be decoded; problems.csv says which. The rest was "
    "measured.",
    "sampled_fields": "A sample of fields was measured in place of the whole slide; run.json and "
    "the regions say which.",
    "white_moved": "The white of this batch differs from the other batches': lamp, exposure or "
    "white balance changed.",
    "control_moved": "The controls of this batch are browner or paler than the other batches'.",
    "batch_without_control": "This batch has no negative control (with enough cells) of its own, "
    "others have.",
    # blots
    "no_band": "No band was found in any lane.",
    "touching_bands": "Bands run into one another: where one ends is a guess.",
    "background_clipped": "The background is cut off at the end of the scale: volumes of faint "
    "bands are too small.",
    "jpeg_blocks": "The image was saved as JPEG: blocks of 8 pixels show in it.",
    "rescaled_contrast": "The contrast was stretched after the exposure: grey levels are missing.",
    "spliced": "The background jumps between lanes: the image may be put together from parts.",
    # tables
    "after_removal": "After the first animal left: means are of those that remained.",
    "width_above_length": "A width above its length: the two may be swapped.",
    "days_out_of_order": "The days of an animal are out of order.",
    "duplicate_day": "One day stands twice for an animal.",
    "zero_volume": "A volume of 0 has no logarithm and is left out of the growth rate.",
    "jump": "A volume that changes more between two days than tumours do.",
    "tibc_differs": "TIBC isn't serum iron plus UIBC; TIBC is used.",
    "saturation_above_100": "More iron than transferrin can bind: haemolysis, or a slip.",
    "tibc_zero": "TIBC is 0, so there is no saturation.",
}

_DIFFERS = "_differs_from_control"
_SETTINGS = {
    "laser_percent": "laser power",
    "laser_attenuation": "laser power",
    "laser_power_mw": "laser power",
    "exposure_s": "exposure time",
    "pinhole_airy": "pinhole",
    "pixel_dwell_s": "pixel dwell time",
}


def flag_words(code: str) -> str:
    """Say in a sentence what a flag means; one without an entry speaks through its own words.

    Examples
    --------
    >>> flag_words("exposure_s_differs_from_control")
    "Taken with another exposure time than the negative controls: brightness can't be compared."
    """
    if code in FLAGS:
        return FLAGS[code]
    if code.endswith(_DIFFERS):
        name = code.removesuffix(_DIFFERS)
        setting = _SETTINGS.get(name, name.replace("_", " "))
        return (
            f"Taken with another {setting} than the negative controls: brightness can't be "
            "compared."
        )
    words = code.replace("_", " ")
    return words[:1].upper() + words[1:] + "."
